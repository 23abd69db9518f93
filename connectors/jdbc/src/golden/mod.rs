//! Recorded answers of the incumbent, compared on a real Postgres.
