//! Answers one review so many times, in this process: what `make instructions` counts. Twice as many
//! answers less as many is what one takes, whatever the start took.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::body::Body;
use clap::Parser;
use daap_bench::corpus::{Corpus, corpus};
use daap_crds::admission::{Answer, Caller, Question};
use daap_webhook::{
    Decider, FactsFile, Health, KubeLookup, Lookup, LookupError, PolicyFile, router,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, StatusCode, header};
use tower::{ServiceExt, service_fn};

/// As the webhook has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers one review so many times.
#[derive(Debug, Parser)]
struct Args {
    /// Of the corpus, as `mutate-update`.
    review: String,
    /// How many times.
    times: usize,
    /// The policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

/// Knows what was asked before: asking the API server is not what is counted.
struct Known {
    lookup: KubeLookup,
    answers: Mutex<HashMap<Question, Answer>>,
}

impl Lookup for Known {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        let answers = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        async move {
            let known = answers().get(question).cloned();
            if let Some(answer) = known {
                return Ok(answer);
            }
            let answer = self.lookup.answer(caller, question).await?;
            answers().insert(question.clone(), answer.clone());
            Ok(answer)
        }
        .boxed()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Args {
        review,
        times,
        policy,
    } = Args::parse();
    let Corpus { reviews, facts } = corpus(jiff::Timestamp::now())?;
    let found = reviews.into_iter().find(|one| one.name == review);
    let found = found.with_context(|| format!("the corpus has no {review}"))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("facts.json");
    std::fs::write(&file, facts.to_string())?;
    let facts = Arc::new(FactsFile::open(&file)?);
    let api_server = service_fn(move |request: Request<kube::client::Body>| {
        let facts = Arc::clone(&facts);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            let (status, answer) = facts.answer(&parts.method, &parts.uri, &body);
            let answer = kube::client::Body::from(answer.to_string().into_bytes());
            let mut response = http::Response::new(answer);
            *response.status_mut() = status;
            anyhow::Ok(response)
        }
    });
    let lookup = Known {
        lookup: KubeLookup::new(kube::Client::new(api_server, "apps")),
        answers: Mutex::default(),
    };
    let decider = Decider::new(Arc::new(PolicyFile::open(policy)?), Arc::new(lookup));
    let router = router(decider, Arc::new(Health::default()));
    let body = found.review.to_string();
    for _ in 0..times {
        let request = Request::post(found.path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.clone()))?;
        let response = router.clone().oneshot(request).await?;
        anyhow::ensure!(response.status() == StatusCode::OK, "{}", response.status());
        axum::body::to_bytes(response.into_body(), usize::MAX).await?;
    }
    Ok(())
}
