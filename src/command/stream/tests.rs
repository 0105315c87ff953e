//! Unit tests of the stream commands.
