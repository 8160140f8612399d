//! The steps outside of the car: the network, and the member's second car.

use anyhow::Context;
use jiff::{SignedDuration, ToSpan};

use super::Player;
use crate::network::Faults;
use crate::second_car::{SecondCar, SecondCarCharge};
use crate::story::{LinkState, StorySecondCar as Does};
use crate::words;
use dashpoint_ui::locale::Language;

impl Player<'_> {
    pub(super) async fn network_goes(&mut self) -> anyhow::Result<()> {
        let language = self.narrator.language();
        self.narrator
            .step(language.choose("The network goes", "网络中断"))?;
        self.world.network.go().await;
        self.world.head_unit.sync().await?;
        self.until("the head unit notices that it is offline", |status| {
            super::assertions::connection(status) == Some(LinkState::Offline)
        })
        .await?;
        self.narrator.either(
            "the cloud is out of reach; the head unit knows, and goes on earning",
            "云端不可达；车机知道，并继续累积",
        )?;
        Ok(())
    }

    pub(super) async fn network_returns(&mut self) -> anyhow::Result<()> {
        let language = self.narrator.language();
        self.narrator
            .step(language.choose("The network comes back", "网络恢复"))?;
        self.wake().await?;
        let card = self.world.head_unit.card().await?;
        self.narrator
            .either("until now the head unit shows:", "此前车机显示：")?;
        self.narrator.card(&card)?;
        let waiting = self.status().await?.live.map_or(0, |live| live.waiting);
        self.world.network.come_back()?;
        self.settle().await?;
        self.narrator.either(
            &format!(
                "the cloud verifies {}, runs the rules on each again, and signs a receipt and a statement:",
                words::entries(waiting)
            ),
            &format!("云端验证 {waiting} 条记录，逐条重新计算，并签发回执与对账单："),
        )?;
        let card = self.world.head_unit.card().await?;
        self.narrator.card(&card)?;
        self.tell_of_adjustments().await
    }

    /// Says of each entry that was paid otherwise than predicted how and why.
    async fn tell_of_adjustments(&mut self) -> anyhow::Result<()> {
        let language = self.narrator.language();
        let ledger = self.world.head_unit.ledger().await?;
        for (row, (name, _)) in ledger.entries.iter().zip(&self.did) {
            let (predicted, paid) = (row.predicted, row.paid.unwrap_or(0));
            for reason in words::reasons(language, row.verdict.as_ref(), &self.policy) {
                self.narrator.line(&match language {
                    Language::English => {
                        format!("adjusted: {name}, {predicted} predicted, {paid} paid: {reason}")
                    }
                    Language::Chinese => {
                        format!("已调整：{name}，预计 {predicted}，到账 {paid}：{reason}")
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Sets the faults of the network. Once there are none the car makes contact before the story goes on: the last
    /// request that met a fault would otherwise leave it offline until its next try.
    pub(super) async fn network_faults(&mut self, faults: &Faults) -> anyhow::Result<()> {
        self.world.network.set_faults(faults.clone());
        let language = self.narrator.language();
        self.narrator.step(&if faults.is_empty() {
            language
                .choose("The network is good", "网络正常")
                .to_owned()
        } else {
            let bad = language.choose("The network is bad", "网络不良");
            format!("{bad}: {faults}")
        })?;
        if faults.is_empty() && self.is_enrolled && self.world.network.is_up() {
            self.settle().await?;
        }
        Ok(())
    }

    /// The member's other car charges: only the cloud knows of it.
    pub(super) async fn second_car(&mut self, does: &Does) -> anyhow::Result<()> {
        let zone = self.story.zone.clone();
        let first = match does.at {
            Some(at) => zone.to_timestamp(at)?,
            None => self.now().checked_add(SignedDuration::from_mins(5))?,
        };
        let first = first.to_zoned(zone.clone());
        let mut charges = Vec::new();
        for number in 0..i64::from(does.times) {
            let days = (number * i64::from(does.every_days)).days();
            charges.push(SecondCarCharge {
                at: first.checked_add(days)?.timestamp(),
                energy_wh: u64::from(does.charges_kwh) * 1_000,
                renewable_permille: does.renewable * 10,
            });
        }
        let (member, known) = (self.world.member, self.second_car.take());
        let charging = self.world.cloud.with(move |core, now| {
            Ok((|| {
                let mut car = match known {
                    Some(car) => car,
                    None => SecondCar::enrol(core, member, now)?,
                };
                let mut paid = 0;
                for charged in charges {
                    paid += car.charge(core, &zone, charged, now)?.paid().points.get();
                    let then = core.now(now)?;
                    core.maintain(then)?;
                }
                anyhow::Ok((car, paid))
            })())
        });
        let (car, paid) = charging.await?.context("the member's second car")?;
        self.second_car = Some(car);
        let at = self.moment(first.timestamp());
        let (kwh, times) = (does.charges_kwh, does.times);
        let points = words::points(self.narrator.language(), paid);
        self.narrator.step(&match self.narrator.language() {
            Language::English => format!("{at}  the member's second car charges"),
            Language::Chinese => format!("{at}  会员的另一辆车充电"),
        })?;
        self.narrator.either(
            &format!("{times} x {kwh} kWh: the cloud pays {points}; this car cannot know"),
            &format!("{times} × {kwh} kWh：云端到账 {points}；本车无从得知"),
        )?;
        Ok(())
    }
}
