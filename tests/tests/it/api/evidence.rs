//! Files: sent in one request or straight to the object store, and read back whole, in part and as page images.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::receipt::Receipt;
use tests::{machine, tenant};

#[test]
fn a_file_is_read_back_as_it_was_sent() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let text = Receipt::numbered(100).text();

        let created = api.upload("order.txt", text.clone()).await?.expect(201)?.json();

        let id = created["id"].as_str().context("an id")?;
        ensure!(created["sha256"] == hex::encode(Sha256::digest(&text)), "{created}");
        ensure!(created["media_type"] == "text/plain" && created["status"] == "ready" && created["size"] == text.len(), "{created}");
        ensure!(api.upload("again.txt", text.clone()).await?.expect(200)?.json()["id"] == id, "the same bytes are the same evidence");
        ensure!(api.get(&format!("/v1/evidence/{id}")).await?.expect(200)?.json()["sha256"] == created["sha256"], "metadata");
        let whole = api.get(&format!("/v1/evidence/{id}/content")).await?.expect(200)?;
        ensure!(whole.body == text, "other bytes");
        ensure!(whole.header("content-disposition").starts_with("attachment"), "never shown inline");
        let part = api.send(api.request(Method::GET, &format!("/v1/evidence/{id}/content")).header("Range", "bytes=3-9")).await?;
        let part = part.expect(206)?;
        ensure!(part.body == text[3..=9] && part.header("content-range") == format!("bytes 3-9/{}", text.len()), "{:?}", part.headers);
        let behind = api.request(Method::GET, &format!("/v1/evidence/{id}/content")).header("Range", "bytes=999999-");
        api.send(behind).await?.problem(416, "range_not_satisfiable")?;
        Ok(())
    });
}

#[test]
fn a_client_sends_to_the_object_store_by_itself_and_completes() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(101);
        let text = receipt.text();
        let sha256 = hex::encode(Sha256::digest(&text));
        let announcement = json!({ "filename": "a.txt", "content_type": "text/plain", "size": text.len(), "sha256": sha256 });

        let announced = api.post("/v1/evidence", &announcement).await?.expect(201)?.json();

        let id = announced["id"].as_str().context("an id")?;
        let complete = format!("/v1/evidence/{id}/complete");
        ensure!(announced["status"] == "uploading", "{announced}");
        api.post(&complete, &json!({})).await?.problem(409, "not_uploaded")?;
        let started =
            api.post("/v1/verifications", &json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [id] })).await?;
        started.problem(409, "evidence_not_ready")?;
        send(&announced["upload"], text.clone()).await?;
        let ready = api.post(&complete, &json!({})).await?.expect(200)?.json();
        ensure!(ready["status"] == "ready" && ready["sha256"] == sha256, "{ready}");
        ensure!(api.get(&format!("/v1/evidence/{id}/content")).await?.expect(200)?.body == text, "other bytes");
        let verification = api.start("expense_receipt", &receipt.claim(), &[id.to_owned()]).await?;
        ensure!(api.ended(&verification).await?["verdict"] == "supported", "it is evidence like any other");
        Ok(())
    });
}

#[test]
fn bytes_that_were_not_announced_are_refused() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let (promised, sent) = (Receipt::numbered(102).text(), Receipt::numbered(106).text());
        ensure!(promised.len() == sent.len(), "only the content differs");
        let sha256 = hex::encode(Sha256::digest(&promised));

        let announcement = json!({ "content_type": "text/plain", "size": promised.len(), "sha256": sha256 });
        let announced = api.post("/v1/evidence", &announcement).await?.expect(201)?.json();

        // The signature covers the hash, so the store itself refuses.
        ensure!(send(&announced["upload"], sent.clone()).await.is_err(), "the store took other bytes");
        let id = announced["id"].as_str().context("an id")?;
        api.post(&format!("/v1/evidence/{id}/complete"), &json!({})).await?.problem(409, "not_uploaded")?;
        let part = reqwest::multipart::Part::bytes(sent).file_name("b.txt");
        let form = reqwest::multipart::Form::new().text("sha256", sha256).part("file", part);
        api.send(api.request(Method::POST, "/v1/evidence").multipart(form)).await?.problem(422, "checksum_mismatch")?;
        Ok(())
    });
}

#[test]
fn an_announced_file_of_a_kind_that_is_not_read_is_rejected_until_it_is_announced_again() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let archive = [&b"PK\x03\x04"[..], uuid::Uuid::now_v7().as_bytes(), &[0; 100]].concat();
        let sha256 = hex::encode(Sha256::digest(&archive));
        let announcement = json!({ "content_type": "application/pdf", "size": archive.len(), "sha256": sha256 });
        let announced = api.post("/v1/evidence", &announcement).await?.expect(201)?.json();
        let id = announced["id"].as_str().context("an id")?;
        let complete = format!("/v1/evidence/{id}/complete");
        send(&announced["upload"], archive.clone()).await?;

        for _ in 0..2 {
            api.post(&complete, &json!({})).await?.problem(415, "unsupported_media_type")?;
            let shown = api.get(&format!("/v1/evidence/{id}")).await?.expect(200)?.json();
            ensure!(shown["status"] == "rejected", "{shown}");
        }

        let body = json!({ "claim_type": "expense_receipt", "claim": Receipt::numbered(107).claim(), "evidence": [id] });
        let problem = api.post("/v1/verifications", &body).await?.problem(409, "evidence_not_ready")?;
        ensure!(problem["errors"][0]["code"] == "evidence_rejected", "{problem}");
        let again = api.post("/v1/evidence", &announcement).await?.expect(200)?.json();
        ensure!(again["id"] == id && again["status"] == "uploading" && again["upload"].is_object(), "{again}");
        api.post(&complete, &json!({})).await?.problem(409, "not_uploaded")?;
        Ok(())
    });
}

#[test]
fn a_large_file_is_stored_in_parts() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        // Three parts of ten megabytes, the last one short; text of no claim.
        let large: Vec<u8> = (0..23_000_000_u32).map(|index| b'a' + (index / 977 % 26) as u8).collect();

        let created = api.upload("large.txt", large.clone()).await?.expect(201)?.json();

        ensure!(created["sha256"] == hex::encode(Sha256::digest(&large)), "{created}");
        let id = created["id"].as_str().context("an id")?;
        let range = api.request(Method::GET, &format!("/v1/evidence/{id}/content")).header("Range", "bytes=9999990-10000009");
        ensure!(api.send(range).await?.expect(206)?.body == large[9_999_990..=10_000_009], "across the border of two parts");
        Ok(())
    });
}

#[test]
fn pages_are_images_once_a_verification_has_read_them() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let evidence = api.sample("invoice-two-pages.tiff").await?;
        let page = |number| format!("/v1/evidence/{evidence}/pages/{number}.png");
        api.get(&page(1)).await?.problem(404, "page_not_ready")?;

        let claim = json!({ "number": "X", "issue_date": "2023-10-17", "seller": "Y", "total": { "amount": "1.00", "currency": "EUR" } });
        let id = api.start("invoice", &claim, std::slice::from_ref(&evidence)).await?;
        api.ended(&id).await?;

        for number in [1, 2] {
            let image = api.get(&page(number)).await?.expect(200)?;
            ensure!(image.header("content-type") == "image/png" && image.body.starts_with(b"\x89PNG"), "page {number}");
            let known = api.request(Method::GET, &page(number)).header("If-None-Match", image.header("etag"));
            api.send(known).await?.expect(304)?;
        }
        api.get(&page(3)).await?.problem(404, "not_found")?;
        ensure!(api.get(&format!("/v1/evidence/{evidence}")).await?.json()["pages"] == 2, "the number of pages is known");
        Ok(())
    });
}

/// Makes the request that an announcement asked for, exactly so.
async fn send(upload: &serde_json::Value, bytes: Vec<u8>) -> Result<()> {
    let url = upload["url"].as_str().context("an address")?;
    let method = upload["method"].as_str().context("a method")?.parse()?;
    let mut request = reqwest::Client::new().request(method, url).body(bytes);
    for (name, value) in upload["headers"].as_object().context("headers")? {
        // The length is the client library's own business, and the same.
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("host") {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
    }
    request.send().await?.error_for_status()?;
    Ok(())
}
