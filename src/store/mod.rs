//! The only SQL: a façade over two native drivers, and one file an aggregate.
