//! Every format, read back by who reads it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::Config as Cases;
use secrecy::SecretString;

use super::*;
use crate::database::Connection;

const NASTY: &str = "it's: a \\ \"test\" $HOME `id` #%@/?&=+ é";

fn login(password: Option<&str>) -> Login {
    Login {
        name: "orders".into(),
        namespace: "apps".into(),
        connection: Connection::new(
            "daap-orders-pooler.apps.svc".into(),
            "app".into(),
            "app".into(),
        ),
        address: None,
        authority: Some("/home/ada/ca files/ca.crt".into()),
        password: password.map(SecretString::from),
    }
}

fn text(shape: Shape) -> String {
    login(Some(NASTY)).text(shape).unwrap()
}

#[test]
fn the_password_is_shown_only_where_it_is_given() {
    let hidden = login(None);
    for shape in Shape::LOCAL.into_iter().filter(|shape| !shape.is_secret()) {
        let text = hidden.text(shape).unwrap();
        assert!(!text.to_lowercase().contains("password"), "{text}");
    }
    insta::assert_snapshot!(hidden.text(Shape::Table).unwrap(), @r"
    KEY           VALUE
    host          daap-orders-pooler.apps.svc
    port          5432
    database      app
    user          app
    password      <hidden; use --show-password>
    sslmode       verify-full
    sslrootcert   /home/ada/ca files/ca.crt
    uri           postgresql://app@daap-orders-pooler.apps.svc:5432/app?sslmode=verify-full&sslrootcert=/home/ada/ca%20files/ca.crt
    ");
}

#[test]
fn formats() {
    insta::assert_snapshot!(text(Shape::Uri), @"postgresql://app:it%27s%3A%20a%20%5C%20%22test%22%20%24HOME%20%60id%60%20%23%25%40%2F%3F%26%3D%2B%20%C3%A9@daap-orders-pooler.apps.svc:5432/app?sslmode=verify-full&sslrootcert=/home/ada/ca%20files/ca.crt");
    insta::assert_snapshot!(text(Shape::Psql), @r#"PGPASSWORD='it'\''s: a \ "test" $HOME `id` #%@/?&=+ é' psql 'host=daap-orders-pooler.apps.svc port=5432 dbname=app user=app sslmode=verify-full sslrootcert='\''/home/ada/ca files/ca.crt'\'''"#);
    insta::assert_snapshot!(text(Shape::Pgpass), @r#"daap-orders-pooler.apps.svc:5432:app:app:it's\: a \\ "test" $HOME `id` #%@/?&=+ é"#);
    insta::assert_snapshot!(text(Shape::Service), @r#"
    [orders]
    host=daap-orders-pooler.apps.svc
    port=5432
    dbname=app
    user=app
    sslmode=verify-full
    sslrootcert=/home/ada/ca files/ca.crt
    password=it's: a \ "test" $HOME `id` #%@/?&=+ é
    "#);
    insta::assert_snapshot!(text(Shape::Jdbc), @"jdbc:postgresql://daap-orders-pooler.apps.svc:5432/app?user=app&password=it%27s%3A%20a%20%5C%20%22test%22%20%24HOME%20%60id%60%20%23%25%40/%3F%26%3D%2B%20%C3%A9&sslmode=verify-full&sslrootcert=/home/ada/ca%20files/ca.crt");
}

#[test]
fn a_forwarded_port_is_told_to_each_as_it_understands_it() {
    let mut login = login(None);
    login.authority = None;
    login.address = Some("127.0.0.1".parse().unwrap());
    login.connection.port = 6432;
    assert_eq!(
        login.uri(),
        "postgresql://app@daap-orders-pooler.apps.svc:6432/app?sslmode=verify-full&hostaddr=127.0.0.1"
    );
    assert_eq!(
        login.portable().uri(),
        "postgresql://app@127.0.0.1:6432/app?sslmode=verify-ca"
    );
    assert_eq!(
        login.text(Shape::Jdbc).unwrap(),
        "jdbc:postgresql://127.0.0.1:6432/app?user=app&sslmode=verify-ca\n"
    );
    login.address = Some("::1".parse().unwrap());
    assert_eq!(
        login.portable().uri(),
        "postgresql://app@[::1]:6432/app?sslmode=verify-ca"
    );
}

#[test]
fn what_a_format_cannot_say_is_refused() {
    let two_lines = login(Some("a\nb"));
    assert!(two_lines.text(Shape::Pgpass).is_err());
    assert!(two_lines.text(Shape::Service).is_err());
    assert!(login(Some("a ")).text(Shape::Service).is_err());
}

/// libpq's own parser, by Python's door to C; where either is missing, psql in the suite `connected`
/// reads what we say all the same.
const LIBPQ: &str = r#"
import ctypes, json, sys
class Option(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("dispsize", ctypes.c_int)]
libpq = ctypes.CDLL("libpq.so.5")
libpq.PQconninfoParse.restype = ctypes.POINTER(Option)
libpq.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
for line in sys.stdin:
    error = ctypes.c_char_p()
    options = libpq.PQconninfoParse(json.loads(line).encode(), ctypes.byref(error))
    found, at = {"error": (error.value or b"").decode()}, 0
    while options and options[at].keyword:
        if options[at].val is not None:
            found[options[at].keyword.decode()] = options[at].val.decode()
        at += 1
    print(json.dumps(found))
"#;

/// What libpq reads in each of these.
fn libpq(strings: &[String]) -> Option<Vec<Value>> {
    let mut python = Command::new("python3")
        .args(["-c", LIBPQ])
        .env("PYTHONUTF8", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = python.stdin.take()?;
    let lines: Vec<String> = strings
        .iter()
        .map(|string| serde_json::to_string(string).unwrap())
        .collect();
    // Who has no libpq reads nothing, and says so by failing.
    let _ = writeln!(stdin, "{}", lines.join("\n"));
    drop(stdin);
    let output = python.wait_with_output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let read = text.lines().map(|line| serde_json::from_str(line).unwrap());
    output.status.success().then(|| read.collect())
}

#[test]
fn libpq_reads_back_what_uris_and_connection_strings_say() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let text = "[^\\x00]{1,24}";
    let mut next = || {
        let tree = text.new_tree(&mut runner).unwrap();
        tree.current()
    };
    // As many as a pipe holds: all is written before anything is read.
    let logins: Vec<Login> = (0..20)
        .map(|_| {
            let mut login = login(Some(&next()));
            login.connection = Connection::new("h.apps.svc".into(), next(), next());
            login.authority = Some(next().into());
            login.address = Some("127.0.0.1".parse().unwrap());
            login
        })
        .collect();
    let conninfo = |login: &Login| {
        let keywords = login.keywords().into_iter();
        let keywords = keywords.map(|(key, value)| format!("{key}={}", in_conninfo(&value)));
        keywords.collect::<Vec<_>>().join(" ")
    };
    let strings: Vec<String> = logins
        .iter()
        .flat_map(|login| [login.uri(), conninfo(login)])
        .collect();
    let Some(read) = libpq(&strings) else {
        return;
    };
    assert_eq!(read.len(), strings.len());
    for (login, read) in logins.iter().zip(read.chunks(2)) {
        for read in read {
            assert_eq!(read["error"], "");
            assert_eq!(read["user"], login.connection.user.as_str());
            assert_eq!(read["dbname"], login.connection.database.as_str());
            assert_eq!(read["sslmode"], "verify-full");
            assert_eq!(read["hostaddr"], "127.0.0.1");
            assert_eq!(read["sslrootcert"].as_str(), login.authority().as_deref());
        }
        assert_eq!(read[0]["password"].as_str(), login.password());
    }
}

/// What a shell has in `name` after it has read `text`.
fn after_shell(text: &str, name: &str) -> String {
    let mut shell = Command::new("sh")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    write!(stdin, "{text}\nprintf '%s|' \"${name}\"\n").unwrap();
    drop(stdin);
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    String::from_utf8(output.stdout).unwrap()
}

/// The password of a line of .pgpass, as libpq reads it.
fn read_pgpass(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' => fields.push(String::new()),
            '\\' => fields.last_mut().unwrap().extend(characters.next()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}

proptest! {
    #![proptest_config(Cases::with_cases(48))]

    #[test]
    fn a_shell_reads_back_what_env_and_dotenv_say(password in "[^\\x00]{0,24}") {
        let login = login(Some(&password));
        for shape in [Shape::Env, Shape::Dotenv] {
            let read = after_shell(&login.text(shape).unwrap(), "PGPASSWORD");
            prop_assert_eq!(read, format!("{password}|"));
        }
        let command = login.text(Shape::Psql).unwrap().replace("psql ", "; URI=");
        prop_assert_eq!(after_shell(&command, "PGPASSWORD"), format!("{password}|"));
    }
}

proptest! {
    #[test]
    fn pgpass_reads_back(password in "\\PC{0,24}", user in "\\PC{1,16}") {
        let mut login = login(Some(&password));
        login.connection.user.clone_from(&user);
        let line = login.text(Shape::Pgpass).unwrap();
        let fields = read_pgpass(line.trim_end_matches('\n'));
        prop_assert_eq!(fields.len(), 5);
        prop_assert_eq!(&fields[3], &user);
        prop_assert_eq!(&fields[4], &password);
    }

    #[test]
    fn json_and_yaml_read_back(password in "\\PC{0,24}") {
        let login = login(Some(&password));
        let json: Value = serde_json::from_str(&login.text(Shape::Json).unwrap()).unwrap();
        prop_assert_eq!(json["password"].as_str(), Some(password.as_str()));
        let yaml: Value = serde_saphyr::from_str(&login.text(Shape::Yaml).unwrap()).unwrap();
        prop_assert_eq!(yaml["password"].as_str(), Some(password.as_str()));
    }
}
