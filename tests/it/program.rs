//! The program itself, serving: from the outside, as the system starts it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::aws::{REGION, World};
use crate::server::PATIENCE;

pub struct Program {
    child: Child,
    /// The private listener's URL.
    pub private: String,
    said: Arc<Mutex<String>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// `latchkey serve`, once it listens.
    pub async fn serve(world: &World, database_url: &str, log: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_latchkey"))
            .arg("serve")
            .env("DATABASE_URL", database_url)
            .env("LATCHKEY_STORAGE_ROLE_ARN", &world.storage_role)
            .env("LATCHKEY_DIRECT_ROLE_ARN", &world.direct_role)
            .env("LATCHKEY_PUBLIC_LISTEN", "127.0.0.1:0")
            .env("LATCHKEY_PRIVATE_LISTEN", "127.0.0.1:0")
            .env("LATCHKEY_S3_PATH_STYLE", "true")
            .env("LATCHKEY_LOG", log)
            .env("AWS_ENDPOINT_URL", &world.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &world.latchkey.id)
            .env("AWS_SECRET_ACCESS_KEY", &world.latchkey.secret)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("it writes to the standard error")).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let (found, listens) = tokio::sync::oneshot::channel();
        let (heard, mut found) = (said.clone(), Some(found));
        // All that it says is read to the end: it must be able to say more.
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains("private listener ready")
                    && let Some(address) = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next())
                    && let Some(found) = found.take()
                {
                    let _ = found.send(format!("http://{address}"));
                }
                let mut heard = heard.lock().expect("nobody panics with it");
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let private = tokio::time::timeout(PATIENCE, listens).await;
        Self {
            child,
            private: private.expect("it listens in time").expect("it listens"),
            said,
        }
    }

    /// All that it wrote to its log so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("nobody panics with it").clone()
    }
}
