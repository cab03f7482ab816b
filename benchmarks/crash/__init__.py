"""The crash harness: kills syncs wherever they can be killed and checks what is left. See docs/crash.md."""
