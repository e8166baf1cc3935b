//! What every implementation of `Leases` does.

use conclave_core::{Fence, Hold, LeaseName, Leases, NodeId, Sign};

/// Runs the suite on leases that nobody has taken; who has one in the end, and what it shows.
///
/// # Panics
/// Where the implementation differs.
pub async fn leases_conformance(leases: &dyn Leases) -> (Fence, Sign) {
    let (one, two) = (NodeId(1), NodeId(2));
    let hold = async |node, silent| {
        let hold = leases.hold(LeaseName::WEBHOOKS, node, silent);
        hold.await.unwrap()
    };
    let sign = |fence, beat| Sign {
        fence: Fence(fence),
        beat,
    };
    assert_eq!(hold(one, None).await, Hold::Own(Fence(1)), "it was free");
    assert_eq!(hold(two, None).await, Hold::Other(sign(1, 0)));
    assert_eq!(hold(one, None).await, Hold::Own(Fence(1)));
    let beat = hold(two, Some(sign(1, 0))).await;
    assert_eq!(beat, Hold::Other(sign(1, 1)), "it was not silent");
    let taken = hold(two, Some(sign(1, 1))).await;
    assert_eq!(taken, Hold::Own(Fence(2)), "it was silent");
    assert_eq!(hold(one, None).await, Hold::Other(sign(2, 0)));
    let late = hold(one, Some(sign(1, 1))).await;
    assert_eq!(late, Hold::Other(sign(2, 0)), "another came first");
    leases.release(LeaseName::WEBHOOKS, one).await.unwrap();
    assert_eq!(
        hold(one, None).await,
        Hold::Other(sign(2, 0)),
        "not its own"
    );
    let names = [1, 2].map(LeaseName::answers);
    let names = [names[0], LeaseName::WEBHOOKS, names[1]];
    let of_others = async |node| leases.of_others(&names, node).await.unwrap();
    assert_eq!(of_others(one).await, [LeaseName::WEBHOOKS]);
    assert_eq!(of_others(two).await, [], "its own, and free ones");
    assert_eq!(leases.of_others(&[], one).await.unwrap(), []);
    leases.release(LeaseName::WEBHOOKS, two).await.unwrap();
    assert_eq!(of_others(one).await, [], "given back");
    assert_eq!(hold(one, None).await, Hold::Own(Fence(3)));
    (Fence(3), sign(3, 0))
}
