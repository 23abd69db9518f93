//! Transformations and predicates beside Kafka Connect's own classes, with cases at random.

mod cases;
mod compare;
mod dice;
mod live;
mod patterns;
mod recorded;
mod values;
