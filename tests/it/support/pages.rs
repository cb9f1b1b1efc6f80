//! Requests pages as a browser does.

use reqwest::header;

pub struct Page {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub html: String,
}

impl Page {
    pub fn location(&self) -> &str {
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// What every form of the page holds.
    pub fn form_token(&self) -> String {
        let start = "name=\"form_token\" value=\"";
        let rest = self.html.split_once(start).expect("the page has a form").1;
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// The cookie of that name that it sets, as it would be sent back.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = set.filter_map(|cookie| cookie.split(';').next());
        pairs.find(|pair| pair.starts_with(&format!("{name}="))).map(str::to_owned)
    }
}

/// A client that does not follow redirects.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

pub async fn read(request: reqwest::RequestBuilder) -> Page {
    let answer = request.send().await.expect("the server answers");
    Page {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        html: answer.text().await.expect("the answer is whole"),
    }
}

/// The request with a form in it.
pub fn posting(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let encoded: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encoded.join("&"))
}
