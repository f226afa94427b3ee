//! `report`: from what was measured to `docs/benchmarks.md` and its picture.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::table::Table;
use super::{Section, goals, plot};
use crate::tell;

/// Between these the page is written by `make bench`, and nowhere else.
const BEGIN: &str = "<!-- results: written by make bench -->";
const END: &str = "<!-- end of results -->";

/// Where what was measured lies, and where it is written to.
#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// Folder that `measure` wrote to.
    #[arg(long, default_value = "target/bench/run", value_name = "FOLDER")]
    folder: PathBuf,
    /// The page.
    #[arg(long, default_value = "docs/benchmarks.md", value_name = "FILE")]
    page: PathBuf,
    /// The picture.
    #[arg(long, default_value = "docs/benchmarks.svg", value_name = "FILE")]
    picture: PathBuf,
}

impl Report {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let (mut all, mut times) = (Table::default(), String::new());
        for section in Section::ALL {
            let file = self.folder.join(format!("{}.json", section.name()));
            if let Some(table) = Table::read(&file)? {
                let _ = write!(times, "{} {}; ", section.name(), table.runs().join(" and "));
                all.extend(table);
            }
        }
        let results = goals::results(&all);
        let text = format!(
            "{BEGIN}\n![The ratios]({})\n\n{}\n\nMeasured on {}. {}\n{END}",
            self.beside_the_page(),
            goals::markdown(&results).trim_end(),
            machine(),
            times.trim_end_matches("; ").to_owned() + "."
        );
        std::fs::write(self.folder.join("results.md"), all.markdown())?;
        std::fs::write(&self.picture, plot::svg(&results))?;
        write_between(&self.page, &text)?;
        let reached = results.iter().filter(|result| result.is_reached()).count();
        tell(&format!(
            "{reached} of {} goals reached: {}",
            results.len(),
            self.page.display()
        ));
        Ok(())
    }

    /// The picture, as the page names it.
    fn beside_the_page(&self) -> String {
        let folder = self.page.parent().unwrap_or(Path::new(""));
        let picture = self.picture.strip_prefix(folder).unwrap_or(&self.picture);
        picture.display().to_string()
    }
}

fn write_between(page: &Path, text: &str) -> anyhow::Result<()> {
    let old = std::fs::read_to_string(page)?;
    let (before, rest) = old
        .split_once(BEGIN)
        .context("the page has no place for results")?;
    let (_, after) = rest
        .split_once(END)
        .context("the place for results has no end")?;
    Ok(std::fs::write(page, format!("{before}{text}{after}"))?)
}

/// Processor and kernel.
fn machine() -> String {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let of = |key: &str| {
        let line = processors.lines().find(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(": "))
            .map_or("unknown", |(_, value)| value)
    };
    let cores = processors
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} × {}, Linux {}", of("model name"), kernel.trim())
}
