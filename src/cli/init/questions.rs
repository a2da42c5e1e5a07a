//! Questions to whoever sits at the terminal, or a program that writes the answers into standard input.

use std::io::{self, BufRead, Write};

use secrecy::SecretString;

use crate::os::HiddenInput;

/// So often a question is asked.
const ASKED_MAX: usize = 3;

/// Asks, or says which flag is missing.
pub(super) struct Questions {
    asks: bool,
}

impl Questions {
    pub(super) const fn new(asks: bool) -> Self {
        Self { asks }
    }

    /// A text: the flag's, else the answer, else the default.
    pub(super) fn text(
        &mut self,
        question: &str,
        flag: &str,
        given: Option<&str>,
        default: Option<&str>,
    ) -> Result<String, String> {
        if let Some(given) = given {
            return Ok(given.to_owned());
        }
        if !self.asks {
            return default
                .map(str::to_owned)
                .ok_or_else(|| format!("{question}: 请用 {flag} 指定 (say it with {flag})"));
        }
        for _ in 0..ASKED_MAX {
            let shown = default.map_or_else(String::new, |default| format!(" [{default}]"));
            let answer = line(&format!("{question}{shown}: "))?;
            match (answer.as_str(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => {}
                _ => return Ok(answer),
            }
        }
        Err(format!("{question}: 没有回答 (no answer)"))
    }

    /// A text that is not shown while it is typed.
    pub(super) fn secret(&mut self, question: &str, flag: &str) -> Result<SecretString, String> {
        if !self.asks {
            return Err(format!("{question}: 请用 {flag} 指定 (say it with {flag})"));
        }
        let hidden = HiddenInput::begin();
        let answer = line(&format!("{question}: "));
        drop(hidden);
        eprintln!();
        answer.map(SecretString::from)
    }

    /// One of several, by its number in the list or its text.
    pub(super) fn choice(
        &mut self,
        question: &str,
        flag: &str,
        given: Option<&str>,
        options: &[String],
        default: Option<&str>,
    ) -> Result<String, String> {
        let is_option = |text: &str| options.iter().any(|option| option == text);
        let missing = |text: &str| {
            format!(
                "{question}: ERP 没有“{text}”，有 (the ERP has) {}；请用 {flag} 指定 (say it with {flag})",
                options.join("、")
            )
        };
        if let Some(given) = given {
            return if is_option(given) { Ok(given.to_owned()) } else { Err(missing(given)) };
        }
        let default = default.filter(|text| is_option(text));
        if !self.asks {
            return default.map(str::to_owned).ok_or_else(|| missing(""));
        }
        eprintln!("{question}");
        for (number, option) in (1..).zip(options) {
            eprintln!("  {number}  {option}");
        }
        for _ in 0..ASKED_MAX {
            let answer = self.text("编号或名称 (number or name)", flag, None, default)?;
            let by_number = answer.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?));
            match by_number {
                Some(option) => return Ok(option.clone()),
                None if is_option(&answer) => return Ok(answer),
                None => eprintln!("{}", missing(&answer)),
            }
        }
        Err(format!("{question}: 没有回答 (no answer)"))
    }
}

/// One line of standard input.
fn line(prompt: &str) -> Result<String, String> {
    eprint!("{prompt}");
    // A prompt that does not show is no reason to stop.
    let _ = io::stderr().flush();
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err(format!("{prompt}输入已结束 (the input ended)")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(format!("{prompt}{error}")),
    }
}
