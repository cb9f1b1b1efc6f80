//! `latchkey removal`

use clap::Args;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{say, text};

#[derive(Debug, Args)]
pub struct Removal {
    /// Id or slug. Of one that was offboarded, the id.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Removal {
    pub async fn run(self) -> Outcome {
        let removal = self.client.get(&["v1", "tenants", &self.tenant, "removal"], &[]).await?;
        self.client.show(&removal, |removal| say(text(removal, "text").trim_end()));
        Ok(())
    }
}
