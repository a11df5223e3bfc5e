//! Requests that no page of ours makes: too large, with bytes that no text has, with nonsense where words are expected.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use domain::person::Role;

use crate::access::{ROUTES, Things};
use crate::scene::Scene;

#[tokio::test]
async fn a_form_of_a_megabyte_is_refused_and_changes_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let things = Things::of(&scene, scene.tenant).await;
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    scene.lease(things.waiting.review, &scene.actor("Ann").await, 300).await;
    let before = scene.rows(scene.tenant).await;
    let long = "x".repeat(1 << 20);
    for route in ROUTES.iter().filter(|route| route.method == Method::POST && !route.takes_files()) {
        let form = things.form(&ann.csrf.clone()).with("note", &long);
        let answer = ann.submit(&things.address(route.path), form).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", route.path);
        assert!(answer.has("Nothing was changed."), "{}", route.path);
    }
    assert_eq!(scene.rows(scene.tenant).await, before);
}

#[tokio::test]
async fn a_nul_byte_breaks_no_page_and_no_form() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    let actor = scene.actor("Ann").await;
    for route in ROUTES.iter().filter(|route| route.path != "/signout" && route.path != "/tenant") {
        let things = Things::of(&scene, scene.tenant).await;
        scene.lease(things.waiting.review, &actor, 300).await;
        let path = things.address(route.path);
        // In the address: at the end of it, and in every parameter that any page knows.
        let names = ["show", "claim_type", "reason", "after", "empty", "status", "verdict", "id", "before", "next", "size", "v", "x%00"];
        let query: Vec<String> = names.iter().map(|name| format!("{name}=a%00b")).collect();
        for path in [format!("{path}%00"), format!("{path}?{}", query.join("&")), format!("{path}?file=%00"), format!("{path}?page=%00")] {
            // That it is no 500 is looked at with every answer.
            ann.ask(&route.method, &path).await;
        }
        for name in names {
            ann.ask(&route.method, &format!("{path}?{name}=%00")).await;
        }
        if route.method == Method::POST {
            let mut form = things.form(&ann.csrf.clone());
            for (name, value) in &mut form.0 {
                if name != "csrf" {
                    value.push('\0');
                }
            }
            form.0.push(("note\0".to_owned(), "\0".to_owned()));
            form.0.push(("found.total".to_owned(), "\0".to_owned()));
            form.0.push(("field".to_owned(), "total\0".to_owned()));
            form.0.push(("review".to_owned(), "\0".to_owned()));
            if route.takes_files() {
                ann.upload(&path, &form, &[("a\0b.txt", b"Kedai Bunga")]).await;
            } else {
                ann.submit(&path, form).await;
            }
        }
    }
    assert_eq!(ann.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn nonsense_in_headers_and_bodies_breaks_nothing() {
    let Some(scene) = Scene::start().await else { return };
    let things = Things::of(&scene, scene.tenant).await;
    let mut ann = scene.someone("Ann", &Role::ALL).await;
    // That she opened this evidence is on record once, whatever she sends along.
    ann.get(&things.address("/reviews/{id}")).await;
    let before = scene.rows(scene.tenant).await;
    for route in &ROUTES {
        let cookies: [&[u8]; 4] = [b"assay", b"=;;=;", b"assay=a%00b; assay=\xff\xfe", b"\xc3\x28"];
        for cookie in cookies {
            let request = Request::builder().method(&route.method).uri(things.address(route.path)).header(header::COOKIE, cookie);
            scene.browser().send(request.body(Body::empty()).unwrap()).await;
        }
        let bodies: [&[u8]; 5] = [b"", b"\0\xff\xfe", b"csrf", b"&&==&", b"{\"csrf\": 1}"];
        for body in bodies {
            for kind in ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=edge"] {
                let request = Request::builder().method(&route.method).uri(things.address(route.path)).header(header::CONTENT_TYPE, kind);
                ann.clone().send(request.body(Body::from(body)).unwrap()).await;
            }
        }
    }
    assert_eq!(scene.rows(scene.tenant).await, before);
}

#[tokio::test]
async fn addresses_and_methods_that_there_are_not_get_a_page_that_is_guarded_too() {
    let Some(scene) = Scene::start().await else { return };
    let mut ann = scene.reviewer("Ann").await;
    for path in ["/nothing", "/reviews", "/reviews/", "//", "/static/", "/%00", "/..%2f..%2fetc%2fpasswd"] {
        assert_eq!(ann.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for route in &ROUTES {
        let path = Things::nothing(scene.tenant).address(route.path);
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            assert_eq!(ann.ask(&method, &path).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
}
