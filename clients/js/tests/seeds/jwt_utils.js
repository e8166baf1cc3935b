// What a server gives as /jwt_utils.js.
export * from "../../dist/index.js";
