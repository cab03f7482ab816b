"""The few steps that every sync shares: open a run, pull streams, report. Thin, each around a plain function."""
