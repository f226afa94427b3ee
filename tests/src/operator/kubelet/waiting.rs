//! What containers wait for: their image, and the next try after they ended.

use std::time::Duration;

use kube::ResourceExt as _;

use super::{
    container::Ending,
    container_image, container_name,
    work::{Bench, since},
};
use crate::operator::status::now;

/// Longest pause before another try. The real one is minutes; seconds show the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl Bench {
    /// Pulls the image, as long as it takes; false when the container is stopped meanwhile.
    pub(super) async fn pull(&mut self) -> bool {
        let image = container_image(&self.work.pod);
        let mut faults = self.work.equipment.faults.changes();
        let mut back_off = false;
        while let Some(message) =
            self.work
                .equipment
                .faults
                .pull_error(&self.namespace(), &self.owner(), &image)
        {
            if back_off {
                let note = format!("Back-off pulling image \"{image}\"");
                self.normal("BackOff", note.clone()).await;
                self.failed("Error: ImagePullBackOff".to_owned()).await;
                let why = format!("{note}: ErrImagePull: {message}");
                self.waiting("ImagePullBackOff", &why);
            } else {
                self.normal("Pulling", format!("Pulling image \"{image}\""))
                    .await;
                self.failed(format!("Failed to pull image \"{image}\": {message}"))
                    .await;
                self.failed("Error: ErrImagePull".to_owned()).await;
                self.waiting("ErrImagePull", &message);
            }
            let again = if back_off {
                LONGEST_PAUSE
            } else {
                Duration::from_secs(2)
            };
            back_off = !back_off;
            tokio::select! {
                () = tokio::time::sleep(again) => {}
                _ = faults.changed() => back_off = false,
                () = self.stopping() => return false,
            }
        }
        let note = format!("Container image \"{image}\" already present on machine");
        self.normal("Pulled", note).await;
        true
    }

    async fn normal(&self, reason: &str, note: String) {
        let events = &self.work.equipment.events;
        events.normal(&*self.work.pod, &(), reason, note).await;
    }

    async fn failed(&self, note: String) {
        self.warning("Failed", note).await;
    }

    async fn warning(&self, reason: &str, note: String) {
        let events = &self.work.equipment.events;
        events.warning(&*self.work.pod, &(), reason, note).await;
    }

    /// Waits before the container is started again; false when it is stopped meanwhile.
    pub(super) async fn pause_after(&mut self, code: i32) -> bool {
        self.change(|state| {
            let since = since(&state.run);
            state.last = Some(Ending {
                code,
                since,
                until: now(),
            });
            state.restarts += 1;
            state.report = None;
        });
        let restarts = self.state.borrow().restarts;
        let pause = Duration::from_secs(1 << restarts.min(4)).min(LONGEST_PAUSE);
        let name = container_name(&self.work.pod);
        let pod = format!(
            "{}_{}({})",
            self.work.pod.name_any(),
            self.namespace(),
            self.work.pod.uid().unwrap_or_default()
        );
        let seconds = pause.as_secs();
        self.waiting(
            "CrashLoopBackOff",
            &format!("back-off {seconds}s restarting failed container={name} pod={pod}"),
        );
        let note = format!("Back-off restarting failed container {name} in pod {pod}");
        self.warning("BackOff", note).await;
        let mut faults = self.work.equipment.faults.changes();
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            _ = faults.changed() => true,
            () = self.stopping() => false,
        }
    }
}
