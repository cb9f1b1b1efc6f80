# Recipes for everyday work: `just` lists them. Each runs a tool that works without just, too.

_default:
    @just --list --unsorted

# Onboard sample tenants on local servers, and serve until Ctrl-C
demo *args:
    ./dev/demo {{ args }}

# Run everything that CI runs, or only some steps: just test lints docs
test *steps:
    ./dev/test {{ steps }}

# Compare real AWS with the stand-in, in your accounts: just conform --help
conform *args:
    ./dev/conform {{ args }}

# Start Postgres, the AWS stand-in and Latchkey in the background
up:
    ./dev/up

# Stop everything that runs in the background
down *args:
    ./dev/down {{ args }}

# Start the servers that `cargo test` needs in the background
services:
    ./dev/services

# Start only Postgres, for the tests that do not talk to AWS
postgres:
    ./dev/services --only postgres

# Format the code
fmt:
    cargo fmt

# Lint Rust, Python and documentation, and check dependencies
lint:
    ./dev/test tools formatting docs prose lints dependencies

# Regenerate .sqlx/ after a change to a query or a migration
sqlx *args:
    ./dev/sqlx {{ args }}

# Regenerate openapi.json and the reference pages in docs/
generate *args:
    ./dev/generate {{ args }}

# Build the book in target/book; --serve shows it in a browser, --check only checks it
docs *args:
    ./dev/docs {{ args }}

# Run a benchmark: verify, read, credentials, scale or list
bench *args:
    ./dev/bench {{ args }}

# Keep a release build under adverse load for a while: connections
soak *args:
    ./dev/soak {{ args }}

# Retake the screenshots in docs/screenshots
screenshots:
    ./dev/screenshots
