//! What stands around every route, outermost first: the access log, the path as it is matched, headers of every answer, content types,
//! passwords.

pub(super) mod access_log;
pub(super) mod auth;
pub(super) mod headers;
pub(super) mod negotiate;
pub(super) mod path;
