//! `proxy`.

use std::process::Stdio;

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::{Component, Sandbox, User};

use crate::ground::{Proxy, answer, password, psql};

#[tokio::test(flavor = "multi_thread")]
async fn several_clients_use_a_port_until_it_is_interrupted() {
    let place = Place::shared("proxy").await;
    place.create("orders", &[]);
    let proxy = Proxy::start(&place, &[]);
    let password = password(&place);
    let uri = proxy.first().to_owned();
    assert!(!uri.contains(&password), "{uri}");
    assert!(
        uri.contains("sslmode=verify-full") && uri.contains("sslrootcert="),
        "{uri}"
    );
    let said = proxy.said();
    assert!(
        said.contains("kubectl daap credentials orders -n proxy -o password"),
        "{said}"
    );

    let secret = [("PGPASSWORD", password.as_str())];
    let several: Vec<_> = (0..5)
        .map(|number| {
            let statement = format!("select pg_sleep(0.2)::text || {number}");
            let mut command = psql(&[&uri, "-c", &statement], &secret);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (number, client) in several.into_iter().enumerate() {
        let output = client.wait_with_output().unwrap();
        assert_eq!(text(&output).trim(), number.to_string());
    }

    // For who knows no hostaddr.
    let portable = said
        .lines()
        .find_map(|line| line.split_once("Node): ")?.1.split_whitespace().next())
        .unwrap();
    assert!(portable.contains("@127.0.0.1:"), "{portable}");
    assert_eq!(
        answer(&mut psql(&[portable, "-c", "select 1"], &secret)),
        "1"
    );

    // A second one beside it has another port; the same port is taken.
    let other = Proxy::start(&place, &["-o", "jdbc"]);
    assert!(other.first().starts_with("jdbc:postgresql://127.0.0.1:"));
    let port = portable
        .split(':')
        .nth(2)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let said = place.fails(&["proxy", "orders", "--port", port]);
    assert!(
        said.contains(&format!("127.0.0.1:{port} is taken")),
        "{said}"
    );
    assert!(said.contains("leave --port out"), "{said}");

    let mut open = psql(&[&uri, "-c", "select pg_sleep(600)"], &secret);
    let mut open = open.stderr(Stdio::piped()).spawn().unwrap();
    eventually("the query runs", || {
        let running = place.sql(
            "orders",
            "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'",
        );
        (running.trim() == "1").then_some(())
    })
    .await;
    let (status, said) = proxy.interrupt();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("database/orders: closed"), "{said}");
    assert!(!open.wait().unwrap().success(), "its connection is closed");
    let gone = run(&mut psql(&[&uri, "-c", "select 1"], &secret), None);
    assert!(text(&gone).contains("refused"), "{}", text(&gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_outlives_the_poolers_pods() {
    let place = Place::shared("proxy-pods").await;
    place.create("orders", &[]);
    let proxy = Proxy::start(&place, &["--show-password"]);
    let uri = proxy.first().to_owned();
    assert_eq!(answer(&mut psql(&[&uri, "-c", "select 1"], &[])), "1");

    // One whose connection is killed connects again.
    let killed = run(
        &mut psql(
            &[&uri, "-c", "select pg_terminate_backend(pg_backend_pid())"],
            &[],
        ),
        None,
    );
    assert!(!killed.status.success(), "{}", text(&killed));
    assert_eq!(answer(&mut psql(&[&uri, "-c", "select 2"], &[])), "2");

    for _ in 0..2 {
        place.kubectl(
            &[
                "delete",
                "pods",
                "-l",
                "cnpg.io/poolerName=daap-orders-pooler",
            ],
            None,
        );
        // At once: it waits for the next pod.
        assert_eq!(answer(&mut psql(&[&uri, "-c", "select 3"], &[])), "3");
    }
    proxy.says(&["has gone", "trying again"]).await;
    let (status, said) = proxy.interrupt();
    assert_eq!(status.code(), Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_outlives_the_network() {
    let sandbox = Sandbox::start().await.unwrap();
    let place = Place::of(&sandbox, "proxy-network").await;
    place.create("orders", &[]);
    let proxy = Proxy::start(&place, &["--show-password"]);
    let uri = proxy.first().to_owned();
    assert_eq!(answer(&mut psql(&[&uri, "-c", "select 1"], &[])), "1");
    sandbox.kill(Component::ApiServer).await.unwrap();
    proxy.says(&["trying again"]).await;
    sandbox.restart(Component::ApiServer).await.unwrap();
    proxy.says(&["forwarding again"]).await;
    eventually("the port leads somewhere", || {
        let output = run(&mut psql(&[&uri, "-c", "select 2"], &[]), None);
        (text(&output).trim() == "2").then_some(())
    })
    .await;
    drop(proxy);
    sandbox.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_with_the_port_and_ends_it() {
    let place = Place::shared("proxy-command").await;
    place.create("orders", &[]);
    let ask = "psql -XAt -c 'select 1'; psql \"$DATABASE_URL\" -XAt -c 'select 2'; exit 7";
    let words = ["proxy", "orders", "--", "sh", "-c", ask];
    let output = place.plugin(User::PaymentsDev, &words);
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n");
    let words = ["proxy", "orders", "--", "no-such-program"];
    let said = place.fails(&words);
    assert!(
        said.contains("no-such-program is not on the PATH"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_listened_on_is_said() {
    let place = Place::shared("proxy-wrong").await;
    for words in [
        &["proxy", "orders", "--port", "65536"][..],
        &["proxy", "orders", "--address", "here"],
        &["proxy", "orders", "-o", "manifest"],
    ] {
        let output = place.plugin(User::PaymentsDev, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            text(&output)
        );
    }
    let said = place.fails(&["proxy", "orders"]);
    assert!(said.contains("database/orders not found"), "{said}");
    place.create("orders", &[]);
    let said = place.fails(&["proxy", "orders", "--address", "192.0.2.1"]);
    assert!(said.contains("no address of this machine"), "{said}");
}
