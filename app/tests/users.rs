//! `assay users` as an operator meets it: what it does, and how it refuses.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use store::testing::TestDatabase;
use store::user;

/// Runs the command with that on its standard input.
fn users(database: &TestDatabase, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .arg("users")
        .args(arguments)
        .env("ASSAY_DATABASE_URL", &database.service_url)
        .env("ASSAY_DATABASE_RELAY_URL", &database.relay_url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // Whoever refuses before the password reads none.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("the binary ends")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_once_and_what_it_is_for_a_tenant_is_said_anew() {
    let Some(database) = TestDatabase::start().await else { return };
    let store = database.store();
    for tenant in ["acme", "zenith"] {
        database.tenant(&store, tenant).await;
    }
    let ann = ["--tenant", "acme", "--email", "Ann@Example.com", "--name", "Ann Archer"];
    let made = users(&database, &[&["create"], &ann[..], &["--role", "reviewer,lead"]].concat(), "correct horse battery\n");
    assert!(made.status.success() && said(&made).contains("ann@example.com (usr_") && made.stdout.is_empty(), "{}", said(&made));
    let roles = async || {
        let mut relay = store.begin_relay().await.unwrap();
        let row = user::by_email(&mut relay, "ann@example.com").await.unwrap().unwrap();
        let members = user::memberships(&mut relay, row.id).await.unwrap();
        let told = members.iter().map(|member| format!("{} {} {:?}", member.tenant_name, member.name, member.roles));
        (row.password_hash, told.collect::<Vec<_>>())
    };
    let before = roles().await;
    assert_eq!(before.1, ["acme Ann Archer [Reviewer, Lead]"]);

    // Once more it is a mistake, and the account stays as it is.
    let again = ["create", "--tenant", "acme", "--email", "ann@example.com", "--name", "Somebody", "--role", "auditor"];
    let refused = users(&database, &again, "another long password\n");
    assert_eq!(refused.status.code(), Some(65), "{}", said(&refused));
    assert!(said(&refused).contains("assay users enlist --tenant acme --email ann@example.com"), "{}", said(&refused));
    assert_eq!(roles().await, before);

    let enlisted = users(&database, &["enlist", "--tenant", "acme", "--email", "ann@example.com", "--role", "auditor"], "");
    assert!(enlisted.status.success() && said(&enlisted).contains("was reviewer, lead before"), "{}", said(&enlisted));
    let elsewhere = ["enlist", "--tenant", "zenith", "--email", "ann@example.com", "--role", "operator"];
    let nameless = users(&database, &elsewhere, "");
    assert!(nameless.status.code() == Some(65) && said(&nameless).contains("--name"), "{}", said(&nameless));
    assert!(users(&database, &[&elsewhere[..], &["--name", "A. Archer"]].concat(), "").status.success());
    assert_eq!(roles().await, (before.0, vec!["acme Ann Archer [Auditor]".to_owned(), "zenith A. Archer [Operator]".to_owned()]));

    let listed = |arguments: &[&str]| String::from_utf8(users(&database, arguments, "").stdout).unwrap();
    assert_eq!(listed(&["list"]).lines().count(), 2);
    let of_one = listed(&["list", "--tenant", "zenith"]);
    assert!(of_one.lines().count() == 1 && of_one.contains("zenith") && of_one.contains("A. Archer"), "{of_one}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_refused_with_a_code_of_its_own() {
    let Some(database) = TestDatabase::start().await else { return };
    let store = database.store();
    database.tenant(&store, "acme").await;
    let create = |tenant, email, name| ["create", "--tenant", tenant, "--email", email, "--name", name];
    for (arguments, input, words) in [
        (create("acme", "ann@example.com", "Ann"), "short\n", "12 to 200 characters"),
        (create("acme", "ann", "Ann"), "", "is no e-mail address"),
        (create("acme", "ann @example.com", "Ann"), "", "is no e-mail address"),
        (create("acme", "ann@example.com", " "), "", "needs a name"),
        (create("nobody", "ann@example.com", "Ann"), "", "there is no tenant nobody"),
        (["enlist", "--tenant", "acme", "--email", "eve@example.com", "--role=lead", "--name=Eve"], "", "there is no account"),
    ] {
        let refused = users(&database, &arguments, input);
        assert_eq!(refused.status.code(), Some(65), "{arguments:?}: {}", said(&refused));
        assert!(said(&refused).contains(words) && refused.stdout.is_empty(), "{arguments:?}: {}", said(&refused));
    }
    for arguments in
        [&["list", "--tenant", "nobody"][..], &["password", "--email", "eve@example.com"], &["disable", "--email", "eve@example.com"]]
    {
        assert_eq!(users(&database, arguments, "").status.code(), Some(65), "{arguments:?}");
    }
    let people = user::list(&mut store.begin_relay().await.unwrap()).await.unwrap();
    assert!(people.is_empty(), "{people:?}");
}
