//! millstream-plugins
