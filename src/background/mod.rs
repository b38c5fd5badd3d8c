//! Jobs that run beside the requests, each leased in the database so that one replica runs it.
