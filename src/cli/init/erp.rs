//! What the ERP itself offers to choose from.

use std::sync::Arc;

use super::{Init, questions::Questions, written::Answers};
use crate::{
    clock::Clock,
    config::{Config, Level},
    erp::{Account, Choice, ChoiceField, Erp, ErpError, MemorySessions, TreeNode},
};

/// How none of several is chosen.
const NONE: &str = "-";

/// The ERP's choices, as far as it shows them.
pub(super) struct ErpChoices {
    sources: Vec<Choice>,
    levels: Vec<Choice>,
    categories: Vec<TreeNode>,
    accounts: Vec<Account>,
}

impl ErpChoices {
    /// Logs in, once, and reads them. What is not shown to the account is left out.
    pub(super) async fn read(config: &Config) -> Result<Self, Box<dyn std::error::Error>> {
        let erp =
            Erp::new(&config.erp, &config.outbound.authorities, Clock::system(), Arc::new(MemorySessions::default()))?;
        erp.check_login().await?;
        let choices = async |field| Ok::<_, ErpError>(shown(erp.choices(field).await)?.map(|choices| choices.to_vec()));
        Ok(Self {
            sources: choices(ChoiceField::Source).await?.unwrap_or_default(),
            levels: choices(ChoiceField::Level).await?.unwrap_or_default(),
            categories: shown(erp.category_tree().await)?.unwrap_or_default(),
            accounts: shown(erp.list_accounts().await)?.map(|accounts| accounts.to_vec()).unwrap_or_default(),
        })
    }

    /// Asks for what differs from company to company.
    pub(super) fn choose(&self, flags: &Init, questions: &mut Questions, answers: &mut Answers) -> Result<(), String> {
        if !self.sources.is_empty() {
            let options: Vec<String> = self.sources.iter().map(|choice| choice.text.clone()).collect();
            answers.source = questions.choice(
                "客户来源：微信客户记为哪一个？没有“微信”时可先请管理员添加 (the source of customers from WeChat)",
                "--source",
                flags.source.as_deref(),
                &options,
                Some("微信"),
            )?;
        }
        if !self.levels.is_empty() {
            self.choose_levels(questions, answers)?;
        }
        self.choose_category(flags, questions, answers)?;
        self.choose_users(flags, questions, answers)
    }

    /// Each level that the ERP calls otherwise is asked for; what is not chosen is left out, and what its scores get is said.
    fn choose_levels(&self, questions: &mut Questions, answers: &mut Answers) -> Result<(), String> {
        let texts: Vec<String> = self.levels.iter().map(|choice| choice.text.clone()).collect();
        let options = with_none(&texts);
        let id_of = |text: &str| self.levels.iter().find(|choice| choice.text == text).map(|choice| choice.id);
        let mut left_out = Vec::new();
        for mut level in std::mem::take(&mut answers.levels) {
            if id_of(&level.text).is_none() {
                let (min, text) = (level.min, &level.text);
                let question = format!(
                    "价值评估：评分 {min} 起，ERP 没有“{text}”（- 表示不单列）(the level from score {min} on; the ERP has no {text}; - for none of its own)"
                );
                level.text = questions.choice(&question, "mapping.levels", None, &options, Some(NONE))?;
            }
            match id_of(&level.text) {
                Some(id) => answers.levels.push(Level { id, ..level }),
                None => left_out.push(level.min),
            }
        }
        if !left_out.is_empty() {
            left_out.iter().for_each(|min| eprintln!("{}", instead(*min, &answers.levels)));
            let texts = texts.join("、");
            eprintln!("需要时写入 mapping.levels，ERP 有：{texts} (to change it: mapping.levels; the ERP has {texts})");
        }
        Ok(())
    }

    fn choose_category(&self, flags: &Init, questions: &mut Questions, answers: &mut Answers) -> Result<(), String> {
        let texts = |nodes: &[TreeNode]| nodes.iter().map(|node| node.text.clone()).collect::<Vec<_>>();
        let Some(first) = self.categories.first() else { return Ok(()) };
        let question = "客户分类 (the category of new customers)";
        let options = texts(&self.categories);
        let text = questions.choice(question, "--category", flags.category.as_deref(), &options, Some(&first.text))?;
        let category = self.categories.iter().find(|node| node.text == text).unwrap_or(first);
        (answers.sort, answers.sort1) = (category.text.clone(), category.value.clone());
        let Some(first) = category.nodes.first() else { return Ok(()) };
        let question = "跟进程度 (the stage of new customers)";
        let options = texts(&category.nodes);
        let text = questions.choice(question, "--stage", flags.stage.as_deref(), &options, Some(&first.text))?;
        let stage = category.nodes.iter().find(|node| node.text == text).unwrap_or(first);
        answers.stage = stage.text.clone();
        answers.sort1 = format!("{},{}", category.value, stage.value);
        let question = "成交后的跟进程度（- 表示不改）(the stage after a deal; - to leave it as it is)";
        let given = flags.stage_after_deal.as_deref();
        let after = questions.choice(question, "--stage-after-deal", given, &with_none(&options), Some(NONE))?;
        answers.stage_after_deal = if after == NONE { String::new() } else { after };
        Ok(())
    }

    fn choose_users(&self, flags: &Init, questions: &mut Questions, answers: &mut Answers) -> Result<(), String> {
        if self.accounts.is_empty() {
            return Ok(());
        }
        if flags.users.is_none() && !flags.yes {
            for account in self.accounts.iter().filter(|account| !account.is_closed()) {
                eprintln!("  {}  {}", account.ord, account.name.as_deref().unwrap_or_default());
            }
        }
        let question =
            "新客户轮流指派给哪些账号（编号，逗号分隔；- 表示不指派）(salespeople in turn, by id; - for none)";
        let users = questions.text(question, "--users", flags.users.as_deref(), Some(NONE))?;
        let ids = users.split([',', '，']).map(str::trim).filter(|id| !id.is_empty() && *id != NONE);
        answers.users = ids.map(str::to_owned).collect();
        let is_open = |id: &str| self.accounts.iter().any(|account| account.ord == id && !account.is_closed());
        match answers.users.iter().find(|id| !is_open(id)) {
            Some(id) => Err(format!("{question}: ERP 没有启用的账号 {id} (the ERP has no such account in use)")),
            None => Ok(()),
        }
    }
}

/// What scores from `min` on get that have no level of their own: the next lower one.
fn instead(min: f64, levels: &[Level]) -> String {
    let lower = levels.iter().filter(|level| level.min < min).max_by(|a, b| a.min.total_cmp(&b.min));
    match lower {
        Some(Level { text, .. }) => format!("评分 {min} 起记为“{text}” (from score {min} on the level is {text})"),
        None => format!("评分 {min} 起没有价值评估 (no level from score {min} on)"),
    }
}

/// These, and none of them.
fn with_none(options: &[String]) -> Vec<String> {
    options.iter().cloned().chain([NONE.to_owned()]).collect()
}

/// Nothing, where the account may not see it or the installation does not have it.
fn shown<T>(answer: Result<T, ErpError>) -> Result<Option<T>, ErpError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(
            ErpError::Refused(_)
            | ErpError::Installation(_)
            | ErpError::OutcomeUnknown { answered: true, .. }
            | ErpError::TooMany(_),
        ) => Ok(None),
        Err(error) => Err(error),
    }
}
