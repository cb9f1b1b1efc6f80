//! `latchkey removal`

use clap::Args;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{print_line, text};

#[derive(Debug, Args)]
pub(super) struct Removal {
    /// ID or slug of the tenant. For an offboarded tenant, its ID.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Removal {
    pub(super) async fn run(self) -> CommandResult {
        let removal = self.client.get(&["v1", "tenants", &self.tenant, "removal"], &[]).await?;
        self.client.print(&removal, |removal| print_line(text(removal, "text").trim_end()));
        Ok(())
    }
}
