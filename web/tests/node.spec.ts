import { expect, test } from "./bed.ts";

test("a killed node comes back with what it had", async ({ node }) => {
  const room = { name: "Kept", type: "PRIVATE" };
  const { id } = await node.call<{ id: string }>(
    "POST",
    "/channels",
    await node.token("user"),
    room,
  );
  await node.kill();
  await node.begin();
  const found = await node.call<{ name: string }>(
    "GET",
    `/channels/${id}`,
    await node.token("user"),
  );
  expect(found.name).toBe("Kept");
});
