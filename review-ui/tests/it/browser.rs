//! A browser without scripts, in process: it keeps its cookie and reads its pages like a person.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use domain::id::ReviewId;
use http_body_util::BodyExt;
use tower::ServiceExt;

/// What a form holds, in order.
#[derive(Debug, Clone, Default)]
pub struct Typed(pub Vec<(String, String)>);

impl Typed {
    /// The same with another value of that name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with one more value of that name, as ticked boxes send them.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// What the desk answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: impl AsRef<str>) -> &str {
        self.headers.get(name.as_ref()).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Where it sends the browser, after a form or before a page.
    pub fn to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header(header::LOCATION)
    }

    pub fn has(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// Between the first `before` and the next `after` behind it.
    pub fn between(&self, before: &str, after: &str) -> Option<&str> {
        let rest = &self.text[self.text.find(before)? + before.len()..];
        rest.find(after).map(|end| &rest[..end])
    }

    /// The reviews that it links to, in order and each once.
    pub fn reviews(&self) -> Vec<ReviewId> {
        let mut ids: Vec<ReviewId> = Vec::new();
        for piece in self.text.split("href=\"/reviews/").skip(1) {
            let id = piece.split(['"', '?']).next().unwrap().parse().unwrap();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The form on it that goes to that address, filled as a browser would send it.
    pub fn form(&self, action: &str) -> Typed {
        // A search on the page may go to the same address; what is posted there is meant first.
        let find = |method: &str| self.text.find(&format!("{method}action=\"{action}\""));
        let tag = find("method=\"post\" ").or_else(|| find("")).unwrap_or_else(|| panic!("no form for {action}: {}", self.text));
        let form = &self.text[tag..];
        let form = &form[..form.find("</form>").unwrap()];
        Typed(form.match_indices('<').filter_map(|(at, _)| input(form, at)).collect())
    }

    /// The same by the form's id, with what belongs to it and stands elsewhere on the page.
    pub fn owned(&self, id: &str) -> Typed {
        let own = self.owns(id);
        Typed(self.text.match_indices('<').filter(|(at, _)| own(*at)).filter_map(|(at, _)| input(&self.text, at)).collect())
    }

    /// Where the form with that id goes when somebody presses Enter in one of its lines: its first button says so.
    pub fn on_enter(&self, id: &str) -> String {
        let own = self.owns(id);
        let (at, _) = self.text.match_indices("<button ").find(|(at, _)| own(*at)).expect("a button of the form");
        attribute(tag_at(&self.text, at), "formaction").unwrap_or_default()
    }

    /// Whether the tag there belongs to the form with that id.
    fn owns(&self, id: &str) -> impl Fn(usize) -> bool {
        let begin = self.text.find(&format!("<form id=\"{id}\"")).unwrap_or_else(|| panic!("no form {id}: {}", self.text));
        let end = begin + self.text[begin..].find("</form>").unwrap();
        let id = Some(id.to_owned());
        move |at| (begin..end).contains(&at) || attribute(tag_at(&self.text, at), "form") == id
    }
}

/// What is between `<` and `>`.
fn tag_at(text: &str, at: usize) -> &str {
    &text[at + 1..at + text[at..].find('>').unwrap()]
}

/// Name and value of the input whose tag begins there, if a browser would send it.
fn input(text: &str, at: usize) -> Option<(String, String)> {
    let tag = tag_at(text, at);
    let name = attribute(tag, "name")?;
    let behind = &text[at + tag.len() + 2..];
    let value = match tag.split(' ').next().unwrap() {
        "input" if matches!(attribute(tag, "type").as_deref(), Some("radio" | "checkbox")) && !tag.ends_with(" checked") => return None,
        "input" => attribute(tag, "value").unwrap_or_default(),
        "textarea" => unescape(&behind[..behind.find("</textarea>").unwrap()]),
        "select" => {
            let options = &behind[..behind.find("</select>").unwrap()];
            let chosen = options.split("<option ").find(|option| option.split('>').next().unwrap().ends_with(" selected"));
            chosen.and_then(|option| attribute(option, "value")).unwrap_or_default()
        }
        _ => return None,
    };
    Some((name, value))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = format!(" {tag}");
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(unescape(rest.split('"').next()?))
}

fn unescape(text: &str) -> String {
    let pairs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    pairs.into_iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// A browser without scripts: it keeps its cookie, and the token of the page that it looked at last.
#[derive(Clone)]
pub struct Browser {
    pub desk: Router,
    pub cookie: Option<String>,
    pub csrf: String,
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form with the token of the last page.
    pub async fn post(&mut self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let typed = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.submit(path, Typed(typed.collect()).with("csrf", &self.csrf.clone())).await
    }

    /// Posts a form as it was filled in.
    pub async fn submit(&mut self, path: &str, typed: Typed) -> Answer {
        self.post_from(path, typed, &[]).await
    }

    pub async fn post_from(&mut self, path: &str, typed: Typed, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(typed.encode())).unwrap()).await
    }

    /// Posts a form with files: name and bytes each.
    pub async fn upload(&mut self, path: &str, typed: &Typed, files: &[(&str, &[u8])]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in &typed.0 {
            body.extend(format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
        }
        for (name, bytes) in files {
            let name = name.replace('"', "%22");
            let head =
                format!("--edge\r\ncontent-disposition: form-data; name=\"files\"; filename=\"{name}\"\r\ncontent-type: image/png\r\n\r\n");
            body.extend(head.bytes().chain(bytes.iter().copied()).chain(*b"\r\n"));
        }
        body.extend(b"--edge--\r\n");
        let request = Request::post(path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Follows an answer to where it leads.
    pub async fn follow(&mut self, answer: &Answer) -> Answer {
        let to = answer.to().split('#').next().unwrap().to_owned();
        self.get(&to).await
    }

    /// Takes a review, and looks at it.
    pub async fn take(&mut self, id: ReviewId) -> Answer {
        let taken = self.post(&format!("/reviews/{id}/take"), &[]).await;
        assert_eq!(taken.to(), format!("/reviews/{id}"));
        self.follow(&taken).await
    }

    pub async fn ask(&mut self, method: &Method, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a request. What holds for every answer of the desk is looked at with every answer.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let asked = format!("{} {}", request.method(), request.uri());
        if let Some(cookie) = &self.cookie {
            let cookie = format!("theme=dark; assay={cookie}");
            request.headers_mut().insert(header::COOKIE, cookie.try_into().unwrap());
        }
        let response = self.desk.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream has no end to wait for; what it says is read in `stream`.
        let endless = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let bytes = if endless { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        let answer = Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes };
        assert!(!answer.status.is_server_error(), "{asked} answered {}: {}", answer.status, answer.text);
        guarded(&asked, &answer);
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let value = cookie.to_str().unwrap().strip_prefix("assay=").and_then(|cookie| cookie.split(';').next());
            if let Some(value) = value {
                self.cookie = (!value.is_empty()).then(|| value.to_owned());
            }
        }
        if let Some(token) = answer.between("name=\"csrf\" value=\"", "\"") {
            self.csrf = token.to_owned();
        }
        answer
    }
}

/// Nothing on a page comes from elsewhere or runs from its text, no frame is around it, and no cache keeps it.
pub fn guarded(asked: &str, answer: &Answer) {
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe") && !policy.contains('*'), "{asked}: {policy}");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{asked}");
    assert_eq!(answer.header(header::REFERRER_POLICY), "same-origin", "{asked}");
    let kept = answer.header(header::CACHE_CONTROL);
    let may_be_kept = asked.starts_with("GET /static/") || asked.contains("/pages/");
    assert!(kept == "no-store" || may_be_kept && kept.ends_with("immutable"), "{asked}: {kept}");
    // No page of ours holds code or style of its own, so whatever looks like it came from somebody.
    for markup in ["<script>", "<style", "onerror=\"", "onclick=\"", " style=\"", "javascript:", "<iframe"] {
        assert!(!answer.text.contains(markup) || asked.starts_with("GET /static/"), "{asked}: {markup} in {}", answer.text);
    }
}
