//! `latchkey contact`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};

#[derive(Debug, Subcommand)]
pub(super) enum Contact {
    /// Add a contact. The address is asked to confirm, and gets no other mail before that.
    Add(Add),
    /// List a tenant's contacts, oldest first.
    List(Tenant),
    /// Change a contact's name or address. Another address is asked to confirm again.
    Change(Change),
    /// Remove a contact. Nothing is sent to it any more.
    Remove(One),
    /// Ask a contact again to confirm the address.
    Confirm(One),
    /// Mail a contact a link to the form.
    Invite(Invite),
    /// List the mail to a tenant's contacts, newest first.
    Messages(Tenant),
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// ID or slug of the tenant.
    tenant: String,
    /// Name of the person.
    #[arg(long)]
    name: String,
    /// Email address.
    #[arg(long)]
    email: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Tenant {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Change {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the contact.
    id: String,
    /// Name of the person.
    #[arg(long)]
    name: Option<String>,
    /// Email address.
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the contact.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Invite {
    /// ID or slug of the tenant.
    tenant: String,
    /// ID of the contact.
    id: String,
    /// What the link is for: `onboarding`, or `change` to also replace storage that is in use. Default: `change` if the tenant has an
    /// active version.
    #[arg(long)]
    purpose: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Contact {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::Add(command) => command.run().await,
            Self::List(command) => command.list_contacts().await,
            Self::Change(command) => command.run().await,
            Self::Remove(command) => command.remove().await,
            Self::Confirm(command) => command.confirm().await,
            Self::Invite(command) => command.run().await,
            Self::Messages(command) => command.list_messages().await,
        }
    }
}

impl Add {
    async fn run(self) -> CommandResult {
        let body = json!({"name": self.name, "email": self.email});
        let added = self.client.post(&["v1", "tenants", &self.tenant, "contacts"], &body).await?;
        self.client.print(&added, |added| print_line(text(added, "id")));
        Ok(())
    }
}

impl Tenant {
    async fn list_contacts(self) -> CommandResult {
        let listed = self.client.get(&["v1", "tenants", &self.tenant, "contacts"], &[]).await?;
        if listed["mail_is_on"] == false {
            eprintln!("Mail is off: nobody is notified. Set LATCHKEY_SMTP_URL and LATCHKEY_MAIL_FROM for the servers and workers.");
        }
        self.client.print(&listed["items"], |items| {
            let columns = [
                ("ID", "id"),
                ("State", "state"),
                ("Name", "name"),
                ("Email", "email"),
                ("Added", "created_at"),
                ("Confirmed", "confirmed_at"),
                ("Stopped", "stopped_at"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }

    async fn list_messages(self) -> CommandResult {
        let items = self.client.get_all(&["v1", "tenants", &self.tenant, "messages"], &[]).await?;
        self.client.print(&Value::Array(items), |items| {
            let columns = [
                ("Queued", "created_at"),
                ("Kind", "kind"),
                ("About", "subject"),
                ("Contact", "contact_id"),
                ("State", "state"),
                ("Ended", "ended_at"),
                ("Fault", "fault"),
                ("Reply", "reply"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl Change {
    async fn run(self) -> CommandResult {
        let mut body = serde_json::Map::new();
        for (field, value) in [("name", self.name), ("email", self.email)] {
            body.extend(value.map(|value| (field.to_owned(), Value::String(value))));
        }
        let path = ["v1", "tenants", &self.tenant, "contacts", &self.id];
        let changed = self.client.patch(&path, &Value::Object(body)).await?;
        self.client.print(&changed, |changed| print_line(text(changed, "state")));
        Ok(())
    }
}

impl One {
    async fn remove(self) -> CommandResult {
        self.client.delete(&["v1", "tenants", &self.tenant, "contacts", &self.id]).await?;
        self.client.print(&json!({"id": self.id}), |_| print_line("Removed."));
        Ok(())
    }

    async fn confirm(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "contacts", &self.id, "confirmation"];
        let asked = self.client.post(&path, &json!({})).await?;
        self.client.print(&asked, |_| print_line("Queued."));
        Ok(())
    }
}

impl Invite {
    async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "contacts", &self.id, "invite"];
        let invited = self.client.post(&path, &json!({"purpose": self.purpose})).await?;
        self.client.print(&invited, |_| print_line("Queued."));
        Ok(())
    }
}
