//! Raw answers of AWS into outcomes: once, here.
