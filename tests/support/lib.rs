//! What the end-to-end tests share: where the built guests are.
