//! What moves when: acknowledged prefixes, sink commits, tolerated failures, topic creation.
