//! Logs and figures: the tracing subscriber and the Prometheus recorder.
