//! Puts the service together: `Server::build` gives the bound server that production and tests start alike.
