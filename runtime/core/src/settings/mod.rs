//! Worker and connector configuration, parsed once into typed values.
