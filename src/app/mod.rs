//! What the service does, each file a story that reads top to bottom: authorise, load, decide, store, commit.
