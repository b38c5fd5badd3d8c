//! Every setting with its default, its meaning and its check.
