//! Input that means harm, or nothing: always a clear refusal, or a result that says what could not be read.

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Answer, Api};
use tests::receipt::Receipt;
use tests::{machine, tenant};

/// Sends text as it is, under a fresh key.
async fn post_raw(api: &Api, body: impl Into<Vec<u8>>) -> anyhow::Result<Answer> {
    let key = uuid::Uuid::now_v7().to_string();
    let request = api.request(Method::POST, "/v1/verifications").header("Idempotency-Key", key);
    api.send(request.header("content-type", "application/json").body(body.into())).await
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

#[test]
fn no_claim_is_too_odd_for_a_clear_refusal() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let receipt = Receipt::numbered(600);
        let evidence = api.evidence("a.txt", receipt.text()).await?;
        let with = |name: &str, value: Value| {
            let mut claim = receipt.claim();
            claim[name] = value;
            claim
        };
        let money = |amount: Value| json!({ "amount": amount, "currency": "GBP" });
        let cases = [
            ("/claim/total/amount", with("total", money(json!(format!("1{}", "0".repeat(400)))))),
            ("/claim/total/amount", with("total", money(json!("1e3")))),
            ("/claim/total/amount", with("total", money(json!(9.0)))),
            ("/claim/total", with("total", json!("9.00"))),
            ("/claim/merchant", with("merchant", json!("A\u{0}B"))),
            ("/claim/merchant", with("merchant", json!(""))),
            ("/claim/merchant", with("merchant", json!("x".repeat(500_000)))),
            ("/claim/merchant", with("merchant", json!("A\u{7}B"))),
            ("/claim/merchant", with("merchant", json!("\u{200b}***"))),
            ("/claim/date", with("date", json!("2018-02-30"))),
            ("/claim/date", with("date", json!("+99999-01-01"))),
            ("/claim/total/currency", with("total", json!({ "amount": "9.00", "currency": "QQQ" }))),
        ];
        for (pointer, claim) in cases {
            let body = json!({ "claim_type": "expense_receipt", "claim": claim, "evidence": [evidence] });
            let problem = api.post("/v1/verifications", &body).await?.problem(422, "invalid_claim")?;
            ensure!(pointers(&problem).contains(&pointer), "{pointer} is not named: {problem}");
        }
        for (list, pointer) in [
            (json!([]), "/evidence"),
            (json!([evidence, evidence]), "/evidence/1"),
            (json!(["evd_x"]), "/evidence/0"),
            (json!([7]), "/evidence/0"),
            (json!(evidence), "/evidence"),
        ] {
            let body = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": list });
            let problem = api.post("/v1/verifications", &body).await?.problem(422, "invalid_body")?;
            ensure!(pointers(&problem) == [pointer], "{pointer} is not what is named: {problem}");
        }
        let kept = json!({ "claim_type": "expense_receipt", "claim": receipt.claim(), "evidence": [evidence], "metadata": { "n": [0] } });
        let changed = kept.to_string().replace("[0]", "[1,12345678901234567890123]");
        let problem = post_raw(&api, changed).await?.problem(422, "invalid_body")?;
        ensure!(pointers(&problem) == ["/metadata/n/1"], "{problem}");
        Ok(())
    });
}

#[test]
fn no_body_or_address_breaks_the_door() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let bodies: [Vec<u8>; 5] = [
            "[".repeat(100_000).into_bytes(),
            format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000)).into_bytes(),
            b"{\"claim_type\":\"\xff\"}".to_vec(),
            [&b"\xef\xbb\xbf"[..], b"{}"].concat(),
            Vec::new(),
        ];
        for body in bodies {
            post_raw(&api, body).await?.problem(400, "malformed_json")?;
        }
        for path in ["/v1/verifications/%00", "/v1//evidence", "/v1/claim-types/none", "/v1/evidence/evd_x/pages/1"] {
            api.get(path).await?.problem(404, "not_found")?;
        }
        for path in ["?limit=99999999999999999999", "?limit=-1", "?status=odd", "?colour=red", "?wait=1"] {
            api.get(&format!("/v1/verifications{path}")).await?.problem(400, "invalid_parameter")?;
        }
        Ok(())
    });
}

#[test]
fn a_file_that_lies_about_itself_harms_nobody() {
    machine::together(async |stack| {
        let api = tenant::without_review(stack).await?.api;
        let refused: [(&str, Vec<u8>); 3] = [
            ("a.txt", (0..=255).cycle().take(2_560).collect()),
            ("a.zip", [&b"PK\x03\x04"[..], &[0; 100]].concat()),
            ("a.gif", [&b"GIF89a"[..], &[0; 50]].concat()),
        ];
        for (name, bytes) in refused {
            api.upload(name, bytes).await?.problem(415, "unsupported_media_type")?;
        }
        // A head that promises ten thousand million pixels, one that promises none, and a document that is only its first line.
        let taken = [("huge.png", png_head(100_000, 100_000)), ("none.png", png_head(0, 0)), ("stub.pdf", b"%PDF-1.4\n%%EOF".to_vec())];
        for (name, bytes) in taken {
            let evidence = api.evidence(name, bytes).await?;
            let id = api.start("expense_receipt", &Receipt::numbered(601).claim(), &[evidence]).await?;
            let ended = api.ended(&id).await?;
            let blockers = ended["final"]["blockers"].as_array().with_context(|| format!("{name}: {ended}"))?;
            ensure!(ended["final"]["verdict"] == "insufficient", "{name}: {ended}");
            ensure!(blockers.iter().any(|blocker| blocker["kind"] == "unreadable_evidence"), "{name}: {ended}");
        }
        Ok(())
    });
}

/// The signature and the first chunk of a PNG (ISO/IEC 15948, 5.2 and 11.2.2), and nothing after it.
fn png_head(width: u32, height: u32) -> Vec<u8> {
    let chunk = [&b"IHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let crc = crc32fast::hash(&chunk);
    [&b"\x89PNG\r\n\x1a\n\0\0\0\x0d"[..], &chunk, &crc.to_be_bytes()].concat()
}
