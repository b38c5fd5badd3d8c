//! HTML pages: views and the components they share.
