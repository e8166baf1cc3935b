//! A second of traffic, drawn with a seed: who publishes where, and on which nodes it is heard.

use std::str::FromStr;

/// Whom publications reach: sizes of channels, and the share of publications that go to each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mix(Vec<Size>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Size {
    members: u32,
    share: f64,
}

/// What each node has to do in a second, and what goes over the bus.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    /// Of each node.
    pub(super) deliveries: Vec<f64>,
    /// Publications that come to a node from its clients.
    pub(super) published: Vec<f64>,
    /// Publications that a node takes from the bus.
    pub(super) taken: Vec<f64>,
    /// Publications handed to nodes by the bus, the publishing one's own included.
    pub(super) handed: f64,
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sizes = text.split(',').map(|part| {
            let (members, share) = part
                .split_once(':')
                .ok_or_else(|| format!("{part:?} given, expected MEMBERS:SHARE"))?;
            let members: u32 = members
                .trim()
                .parse()
                .map_err(|error| format!("{members:?}: {error}"))?;
            let share: f64 = share
                .trim()
                .parse()
                .map_err(|error| format!("{share:?}: {error}"))?;
            if members == 0 || !(share.is_finite() && share > 0.0) {
                return Err(format!("{part:?} given, expected more than 0"));
            }
            Ok(Size { members, share })
        });
        let sizes: Vec<Size> = sizes.collect::<Result<_, _>>()?;
        let sum: f64 = sizes.iter().map(|size| size.share).sum();
        if (sum - 1.0).abs() > SHARES_OFF_MAX {
            return Err(format!("the shares are {sum} together, expected 1"));
        }
        Ok(Self(sizes))
    }
}

impl Mix {
    fn draw(&self, dice: &mut Dice) -> u32 {
        let mut left = dice.share();
        let mut members = 0;
        for size in &self.0 {
            members = size.members;
            left -= size.share;
            if left < 0.0 {
                break;
            }
        }
        members
    }
}

impl Second {
    /// Draws a second of `publications` on `nodes`, of which there is one at least; no channel has
    /// more members than there are connections. Many publications are drawn as a sample of them.
    pub(super) fn draw(nodes: u32, publications: f64, mix: &Mix, most: u32, seed: u64) -> Self {
        let places = usize::try_from(nodes).unwrap_or(usize::MAX);
        let mut second = Self {
            deliveries: vec![0.0; places],
            published: vec![0.0; places],
            taken: vec![0.0; places],
            handed: 0.0,
        };
        let mut dice = Dice(seed);
        let mut members = vec![0_u32; places];
        for _ in 0..SAMPLES {
            let publisher = dice.below(nodes);
            spread(mix.draw(&mut dice).min(most), &mut members, &mut dice);
            second.add(publisher, &members);
        }
        let scale = publications / f64::from(SAMPLES);
        let lists = [
            &mut second.deliveries,
            &mut second.published,
            &mut second.taken,
        ];
        for value in lists.into_iter().flatten().chain([&mut second.handed]) {
            *value *= scale;
        }
        second
    }

    fn add(&mut self, publisher: usize, members: &[u32]) {
        if let Some(published) = self.published.get_mut(publisher) {
            *published += 1.0;
        }
        let nodes = members
            .iter()
            .zip(self.deliveries.iter_mut().zip(&mut self.taken));
        for (node, (here, (deliveries, taken))) in nodes.enumerate() {
            if *here == 0 {
                continue;
            }
            *deliveries += f64::from(*here);
            self.handed += 1.0;
            if node != publisher {
                *taken += 1.0;
            }
        }
    }
}

/// Puts each of `count` members onto a node; very many of them evenly.
fn spread(count: u32, members: &mut [u32], dice: &mut Dice) {
    let nodes = u32::try_from(members.len()).unwrap_or(u32::MAX);
    members.fill(0);
    if count <= DRAWN_MAX {
        for _ in 0..count {
            if let Some(here) = members.get_mut(dice.below(nodes)) {
                *here += 1;
            }
        }
        return;
    }
    members.fill(count / nodes);
    let first = dice.below(nodes);
    let rest = usize::try_from(count % nodes).unwrap_or(0);
    let length = members.len();
    for offset in 0..rest {
        if let Some(here) = members.get_mut((first + offset) % length) {
            *here += 1;
        }
    }
}

/// Numbers that look random: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`, which is 1 at least.
    fn below(&mut self, end: u32) -> usize {
        let number = (u128::from(self.next()) * u128::from(end)) >> 64;
        usize::try_from(number).unwrap_or(0)
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f64 {
        // 53 bits fit exactly.
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

/// Publications that are drawn.
const SAMPLES: u32 = 4000;
/// Members that are put onto nodes one by one.
const DRAWN_MAX: u32 = 512;
const SHARES_OFF_MAX: f64 = 1e-6;
