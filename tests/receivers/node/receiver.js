// Takes webhooks that the published library of Standard Webhooks finds genuine, and prints their ids.
const { createServer } = require("node:http");
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    try {
      webhook.verify(Buffer.concat(pieces), request.headers);
    } catch {
      response.writeHead(401).end();
      return;
    }
    response.writeHead(204).end();
    console.log(request.headers["webhook-id"]);
  });
}).listen(process.env.PORT, "127.0.0.1");
