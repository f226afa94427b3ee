use super::*;

fn typed(words: &[&str]) -> String {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    answer(crate::command(), &words)
}

fn values(words: &[&str]) -> Vec<String> {
    let text = typed(words);
    let lines = text.lines().filter(|line| !line.starts_with(':'));
    lines
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn it_is_asked_by_its_name_or_by_a_command() {
    let request = |words: &[&str]| {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        requested(&words).map(<[OsString]>::len)
    };
    assert_eq!(request(&["/bin/kubectl_complete-daap", "get", ""]), Some(2));
    assert_eq!(request(&["kubectl_complete-daap.exe", "get"]), Some(1));
    assert_eq!(request(&["kubectl-daap", "__complete", "get", ""]), Some(2));
    assert_eq!(request(&["kubectl-daap", "get"]), None);
}

#[test]
fn commands_come_with_their_words() {
    assert!(typed(&["cr"]).starts_with("create\tCreate a database\n"));
    assert!(typed(&["cr"]).ends_with("\n:4\n"));
    assert!(values(&[""]).contains(&"history".to_owned()));
    assert!(values(&["completion", "i"]).contains(&"install".to_owned()));
}

#[test]
fn flags_are_offered_to_who_begins_one() {
    assert!(values(&["create", "orders", "--own"]).contains(&"--owner-team".to_owned()));
    // Where nothing else can follow, flags are what can.
    assert!(values(&["version", ""]).contains(&"--client".to_owned()));
    assert!(!values(&[""]).iter().any(|value| value.starts_with('-')));
}

#[test]
fn without_a_cluster_nothing_is_offered_and_nothing_is_said() {
    for words in [
        &["get", ""][..],
        &["restore", ""],
        &["list", "--owner-team", ""],
        &["get", "-n", ""],
        &["get", "--context", ""],
        &["rollback", "orders", "--to", ""],
    ] {
        let all: Vec<&str> = ["--kubeconfig", "/no/such"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        assert_eq!(typed(&all), ":4\n", "{words:?}");
    }
}

#[test]
fn a_new_name_is_to_be_thought_of() {
    assert!(
        values(&["create", ""])
            .iter()
            .all(|value| value.starts_with("--"))
    );
}

#[test]
fn states_and_formats_are_listed() {
    assert_eq!(values(&["list", "--state", "pro"]), ["provisioning"]);
    assert_eq!(
        values(&["list", "--state=ready,err"]),
        ["ready,error"],
        "the shell puts the flag before it"
    );
    assert!(values(&["list", "-o", "j"]).contains(&"json".to_owned()));
    assert_eq!(
        values(&["create", "x", "--pool-mode", ""]),
        ["transaction", "session"]
    );
}

#[test]
fn columns_are_listed_and_a_word_that_goes_on_gets_no_space() {
    assert_eq!(values(&["list", "--sort-by", "OWN"]), ["OWNER-TEAM"]);
    assert!(typed(&["get", "-o", "custom-"]).ends_with(":6\n"));
}

#[test]
fn files_are_the_shells() {
    assert_eq!(typed(&["get", "--kubeconfig", ""]), ":0\n");
    assert_eq!(typed(&["completion", "install", "--dir", ""]), ":16\n");
}

#[test]
fn contexts_say_where_they_lead() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(
        &file,
        "apiVersion: v1\nkind: Config\ncontexts:\n- name: dev\n  context: {cluster: c1, user: u, namespace: apps}\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(
        typed(&["get", "--kubeconfig", file, "--context", "d"]),
        "dev\tc1, namespace apps\n:4\n"
    );
    // Nobody answers: the namespaces that the kubeconfig names are left.
    assert_eq!(
        typed(&["get", "--kubeconfig", file, "-n", ""]),
        "apps\tof a context\n:4\n"
    );
}

/// Kinds of value that nobody can list.
const ANYBODYS: [&str; 22] = [
    "BOOL",
    "COMMAND",
    "DURATION",
    "FORMAT",
    "GROUP",
    "IMAGE",
    "IP",
    "KIND/NAME",
    "LEVEL",
    "NUMBER",
    "PSQL-ARGS",
    "SELECTOR",
    "SIZE",
    "TEMPLATE",
    "TEXT",
    "TIME",
    "TOKEN",
    "UID",
    "URL",
    "USER",
    "WHERE",
    "NAME",
];

/// Arguments whose kind of value is known neither here nor in `source`.
fn unknown(command: &clap::Command) -> Vec<String> {
    let of_arguments = command.get_arguments().filter_map(|argument| {
        let kind = argument.get_value_names()?.first()?;
        let known = !argument.get_action().takes_values()
            || !argument.get_possible_values().is_empty()
            || source::Source::of(command.get_name(), argument).is_some()
            || ANYBODYS.contains(&kind.as_str());
        (!known).then(|| format!("{} {} {kind}", command.get_name(), argument.get_id()))
    });
    of_arguments
        .chain(command.get_subcommands().flat_map(unknown))
        .collect()
}

#[test]
fn every_argument_has_values_or_is_anybodys() {
    assert_eq!(
        unknown(&crate::command()),
        [""; 0],
        "say in completion/source.rs where their values come from, or list their kind here"
    );
}
