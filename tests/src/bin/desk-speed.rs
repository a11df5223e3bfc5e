//! `make bench-desk`: how fast the desk is for one reviewer, with ten thousand reviews waiting and a hundred people signed in.
//!
//! Wants `ASSAY_BINARY`, and a browser for the time to the first paint.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use app::commands::bench::report::{Report, Row};
use app::stack::{Stack, StackOptions};
use chrono::Utc;
use domain::id::{Id, ReviewId, VerificationId};
use domain::person::Role;
use domain::policy::{Policy, ReviewRule};
use futures::StreamExt;
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use store::session::{self, Lifetime};
use store::{review, user};
use tests::browser::{Browser, Window};
use tests::tenant::{self, Tenant};
use tests::wait;
use tokio::task::JoinHandle;

/// Reviews that wait.
const WAITING: i64 = 10_000;
/// People who are signed in, each with a review in hand and a page open.
const PEOPLE: usize = 100;
/// Of each figure, so many are taken.
const ROUNDS: usize = 60;
/// Items that the browser settles.
const ITEMS: usize = 25;
const PASSWORD: &str = "correct horse battery";
/// A working day; nobody's session ends meanwhile.
const DAY: Lifetime = Lifetime { idle: Duration::from_secs(43_200), total: Duration::from_secs(43_200) };
/// What a page may weigh without the image of the evidence, in bytes.
const HEAVIEST: f64 = 100_000.0;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let binary = std::env::var_os("ASSAY_BINARY").context("ASSAY_BINARY names no binary; use `make bench-desk`")?;
    let folder = tempfile::Builder::new().prefix("assay-desk-").tempdir()?;
    // The database's user must be able to enter it.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut report = Report::new();
    let options = StackOptions { ui: false, binary: Some(binary.into()), ..StackOptions::new(folder.path()) };
    let stack = Stack::start(options).await?;
    let measured = measure(&stack, &mut report).await;
    stack.stop().await?;
    report.close();
    print!("{report}");
    measured?;
    Ok(if report.all_met() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(stack: &Stack, report: &mut Report) -> Result<()> {
    let tenant = tenant::under(stack, &Policy { review: ReviewRule::Always, ..Policy::default() }).await?;
    let (verification, review) = template(&tenant).await?;
    multiply(stack, &tenant, &verification, &review).await?;
    let crowd = crowd(stack, &tenant).await?;
    let email = "me@example.com";
    let me = person(stack, &tenant, email, Role::Reviewer).await?;
    let desk = Desk { url: stack.endpoints().review_ui_url.clone(), token: me, client: Client::new() };
    // Who arranges the queue has the most on its page.
    let lead = Desk { token: person(stack, &tenant, "lead@example.com", Role::Lead).await?, ..desk.clone() };

    for (name, path, bar) in [
        ("desk: queue page, server time, p50", "/", Some(50.0)),
        ("desk: queue page with filters, p50", "/?show=overdue&claim_type=expense_receipt&reason=policy_review", Some(50.0)),
        ("desk: verifications page, p50", "/verifications", None),
    ] {
        let time = desk.median(|| desk.get(path)).await?;
        report.add(match bar {
            Some(bar) => Row::at_most(name, time, "ms", bar),
            None => Row::known(name, time, "ms"),
        });
    }
    let item = format!("/reviews/{review}");
    report.add(Row::known("desk: review page, p50", desk.median(|| desk.get(&item)).await?, "ms"));
    for (name, whose, path) in
        [("queue", &desk, "/"), ("lead's queue", &lead, "/"), ("review", &desk, item.as_str()), ("verifications", &desk, "/verifications")]
    {
        let weight = whose.weight(path).await?;
        report.add(Row::at_most(
            format!("desk: weight of the {name} page as sent, first visit"),
            weight / 1_000.0,
            "kB",
            HEAVIEST / 1_000.0,
        ));
    }
    if let Some(browser) = Browser::open(Window::default()).await? {
        let navigations = navigations(&browser, &desk.url, email).await?;
        let of = |what: fn(&Navigation) -> f64| {
            let mut times: Vec<f64> = navigations.iter().map(what).collect();
            (median(&mut times), times.last().copied().unwrap_or_default())
        };
        let (p50, slowest) = of(|times| times.paint);
        report.add(Row::at_most("desk: submit to the first paint of the next review, p50", p50, "ms", 100.0));
        report.add(Row::known(format!("desk: slowest of {}", navigations.len()), slowest, "ms"));
        for (name, what) in [
            ("decision stored and the next one taken", (|times| times.redirected) as fn(&Navigation) -> f64),
            ("page began", |times| times.began),
            ("page was there", |times| times.there),
            ("page was understood", |times| times.understood),
        ] {
            report.add(Row::known(format!("desk: from submit until the {name}, p50"), of(what).0, "ms"));
        }
    }
    report.add(Row::known("desk: streams that were open meanwhile", crowd.iter().filter(|one| !one.is_finished()).count() as f64, ""));
    crowd.iter().for_each(JoinHandle::abort);
    Ok(())
}

/// A verification of a photo that waits for a person.
async fn template(tenant: &Tenant) -> Result<(VerificationId, ReviewId)> {
    let api = &tenant.api;
    let photo = api.sample("receipt-photo.jpg").await?;
    let claim = serde_json::json!({ "merchant": "Warung Senja", "date": "2018-03-30", "total": { "amount": "80.20", "currency": "MYR" } });
    let id = api.start("expense_receipt", &claim, &[photo]).await?;
    let seen = api.until(&id, "in review", |seen| seen["status"] == "in_review").await?;
    let review = seen["review_id"].as_str().context("a review")?;
    Ok((id.parse()?, review.parse()?))
}

/// Makes many of it, as if as many clients had sent the same; their workflows never were.
async fn multiply(stack: &Stack, tenant: &Tenant, verification: &VerificationId, review: &ReviewId) -> Result<()> {
    let rows = tenant::rows(stack, tenant.id).await?;
    let another = |table: &str, column: &str, change: &str| {
        // A row as it is, but for what the change names; so the list of its columns need not stand here. Ids follow from the number, so that
        // the statements agree on them.
        format!(
            "insert into {table} select (jsonb_populate_record(row, {change})).*
            from {table} row, (select n, md5('v' || n)::uuid as v, md5('r' || n)::uuid as r from generate_series(1, $2::bigint) n) twins
            where row.{column}::text = $1"
        )
    };
    let (verification, review) = (verification.uuid().to_string(), review.uuid().to_string());
    rows.execute(&another("verifications", "id", "jsonb_build_object('id', v)"), &[&verification, &WAITING]).await?;
    rows.execute(
        &another("verification_evidence", "verification_id", "jsonb_build_object('verification_id', v)"),
        &[&verification, &WAITING],
    )
    .await?;
    // Due from an hour ago to seven hours from now, in no order.
    let due = "jsonb_build_object('id', r, 'verification_id', v, 'due_at', now() + (n * 7919 % 9973 / 9973.0 * 8 - 1) * interval '1 hour')";
    let made = rows.execute(&another("reviews", "id", due), &[&review, &WAITING]).await?;
    ensure!(made == WAITING.unsigned_abs(), "{made} reviews were made");
    let owner = tenant::owner(stack).await?;
    owner.batch_execute("analyze verifications; analyze reviews; analyze verification_evidence").await?;
    Ok(())
}

/// Somebody with this role; the token of their session.
async fn person(stack: &Stack, tenant: &Tenant, email: &str, role: Role) -> Result<String> {
    let hash = review_ui::password::hash(PASSWORD).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut tx = tenant::store(stack)?.begin_relay().await?;
    let (id, _) = user::ensure(&mut tx, email, Some(&hash)).await?;
    user::enlist(&mut tx, tenant.id, id, email, &[role], "operator:bench").await?;
    let member = user::memberships(&mut tx, id).await?.into_iter().next().context("a membership")?;
    let session = session::open(&mut tx, &member, DAY).await?;
    tx.commit().await?;
    Ok(session.token)
}

/// People at work: each holds a review, and their page listens for news.
async fn crowd(stack: &Stack, tenant: &Tenant) -> Result<Vec<JoinHandle<()>>> {
    let mut crowd = Vec::new();
    let hash = review_ui::password::hash(PASSWORD).map_err(|error| anyhow::anyhow!("{error}"))?;
    for number in 0..PEOPLE {
        let mut relay = tenant::store(stack)?.begin_relay().await?;
        let (id, _) = user::ensure(&mut relay, &format!("reviewer{number}@example.com"), Some(&hash)).await?;
        user::enlist(&mut relay, tenant.id, id, &format!("Reviewer {number}"), &[Role::Reviewer], "operator:bench").await?;
        let member = user::memberships(&mut relay, id).await?.into_iter().next().context("a membership")?;
        let token = session::open(&mut relay, &member, DAY).await?.token;
        relay.commit().await?;
        let mut tx = tenant::store(stack)?.begin(tenant.id).await?;
        review::claim_next(&mut tx, &user::actor(id), review::Reach::All, 3_600).await?.context("a review for everybody")?;
        tx.commit().await?;
        let live = format!("{}/live", stack.endpoints().review_ui_url);
        let stream = Client::new().get(live).header("cookie", format!("assay={token}")).send().await?.error_for_status()?;
        crowd.push(tokio::spawn(async move {
            let mut news = stream.bytes_stream();
            while news.next().await.is_some_and(|chunk| chunk.is_ok()) {}
        }));
    }
    Ok(crowd)
}

/// The desk as one person's browser asks it.
#[derive(Clone)]
struct Desk {
    url: String,
    token: String,
    client: Client,
}

impl Desk {
    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url)).header("cookie", format!("assay={}", self.token))
    }

    /// Milliseconds until all of the answer was there.
    async fn median(&self, request: impl Fn() -> RequestBuilder) -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            request().send().await?.error_for_status()?.bytes().await?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(median(&mut times))
    }

    /// Bytes of a page with the styles, scripts and icons that it names, as they are sent.
    async fn weight(&self, path: &str) -> Result<f64> {
        let page = self.get(path).send().await?.error_for_status()?.text().await?;
        let mut files: Vec<&str> =
            page.split('"').filter(|text| text.starts_with("/static/")).map(|text| text.split('#').next().unwrap_or(text)).collect();
        files.sort_unstable();
        files.dedup();
        let mut weight = page.len();
        for file in files {
            weight += self.get(file).header("accept-encoding", "gzip").send().await?.error_for_status()?.bytes().await?.len();
        }
        Ok(weight as f64)
    }
}

/// Milliseconds from the press on *Submit and take the next*.
#[derive(Deserialize)]
struct Navigation {
    /// Until the redirection to the next review.
    redirected: f64,
    /// Until its page began to come, and until all of it had.
    began: f64,
    there: f64,
    /// Until the browser had read it and could be used.
    understood: f64,
    /// Until its first paint.
    paint: f64,
}

/// What the browser says of each item that is settled with it.
async fn navigations(browser: &Browser, desk: &str, email: &str) -> Result<Vec<Navigation>> {
    browser.go(&format!("{desk}/signin")).await?;
    browser.write("#email", email).await?;
    browser.write("#password", PASSWORD).await?;
    browser.click("button[type=submit]").await?;
    browser.at("/").await?;
    browser.click(".heading button").await?;
    browser.at("/reviews/").await?;
    let mut navigations = Vec::new();
    for _ in 0..ITEMS {
        let before = browser.path().await?;
        browser.click("#agree input").await?;
        browser.script("setTimeout(() => document.querySelector('.submit-bar button[value=next]').click(), 0)").await?;
        // The page's clock begins with the submission: the post, the redirect and the page are one navigation.
        let times = wait::until("the next review", Duration::from_secs(15), async || {
            if browser.path().await? == before {
                return Ok(None);
            }
            let times = "const paint = performance.getEntriesByName('first-paint')[0]?.startTime;
                const [page] = performance.getEntriesByType('navigation');
                return paint && { redirected: page.redirectEnd, began: page.responseStart, there: page.responseEnd, understood: page.domInteractive, paint }";
            Ok(serde_json::from_value::<Option<Navigation>>(browser.script(times).await?)?)
        })
        .await?;
        ensure!(browser.path().await?.starts_with("/reviews/"), "the next review at {}", Utc::now());
        navigations.push(times);
    }
    Ok(navigations)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
