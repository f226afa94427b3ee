use daap_crds::violation::{Rule, Violation};

use super::*;

fn subject() -> Subject {
    Subject {
        operation: "UPDATE".into(),
        resource: "persistentvolumeclaims/status".into(),
        ..Subject::default()
    }
}

#[test]
fn every_verdict_every_rule_and_every_fault_is_counted() {
    let metrics = Metrics::default();
    let answered = |half, verdict: &Verdict| {
        metrics.answered(half, &subject(), verdict, Duration::from_millis(3));
    };
    let patched = Verdict::Allowed {
        patch: Some(b"[]".to_vec()),
        warnings: Vec::new(),
    };
    answered(Half::Mutate, &patched);
    answered(Half::Validate, &Verdict::allowed());
    for rule in Rule::ALL {
        // Twice by one rule is one denial by it.
        let violation = Violation::new(rule, "spec", "no", "do not");
        let denied = Verdict::Denied(vec![violation.clone(), violation]);
        answered(Half::Validate, &denied);
    }
    metrics.panicked();
    metrics.turned_away("idle");
    let text = metrics.text();
    let mut lines = vec![
        r#"requests_total{half="mutate",operation="UPDATE",resource="persistentvolumeclaims/status",verdict="patched"} 1"#.to_owned(),
        r#"requests_total{half="validate",operation="UPDATE",resource="persistentvolumeclaims/status",verdict="allowed"} 1"#.to_owned(),
        format!(
            r#"requests_total{{half="validate",operation="UPDATE",resource="persistentvolumeclaims/status",verdict="denied"}} {}"#,
            Rule::ALL.len()
        ),
        r#"latency_seconds_bucket{le="0.0025",half="validate",operation="UPDATE",verdict="allowed"} 0"#.to_owned(),
        r#"latency_seconds_bucket{le="0.005",half="validate",operation="UPDATE",verdict="allowed"} 1"#.to_owned(),
        "panics_total 1".to_owned(),
        r#"connections_turned_away_total{why="idle"} 1"#.to_owned(),
    ];
    lines.extend(
        Rule::ALL.map(|rule| format!(r#"denials_total{{half="validate",rule="{rule}"}} 1"#)),
    );
    for line in lines {
        assert!(
            text.contains(&format!("daap_webhook_{line}\n")),
            "no {line} in\n{text}"
        );
    }
}
