//! The AWS SDKs' side of the port.
