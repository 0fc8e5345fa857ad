/**
 * Runs inside a network namespace of its own, in which the hosts of services are this machine: a gateway, and a TLS server
 * that passes on what it gets. Sockets of the file system are the way out of it and into it.
 *
 * Its first argument is `Inside` as JSON. It ends when its input does.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** `hosts`: whose requests come to the socket `services`. `api`: the socket that leads to the gateway. */
type Inside = {
  directory: string;
  hosts: string[];
  certFile: string;
  keyFile: string;
  services: string;
  api: string;
  port: number;
};

const { directory, hosts, certFile, keyFile, services, api, port } = JSON.parse(
  process.argv[2] ?? "",
) as Inside;

execFileSync("ip", ["link", "set", "lo", "up"]);
const hostsFile = join(directory, "hosts");
writeFileSync(hostsFile, ["127.0.0.1 localhost", ...hosts.map((host) => `127.0.0.1 ${host}`), ""].join("\n"));
execFileSync("mount", ["--bind", hostsFile, "/etc/hosts"]);

createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
  const { method, url: path, headers } = request;
  const passedOn = httpRequest({ socketPath: services, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passedOn.on("error", () => response.destroy());
  request.pipe(passedOn);
}).listen(443, "127.0.0.1");

createServer((socket) => {
  const gateway = connect(port, "127.0.0.1");
  socket.pipe(gateway).pipe(socket);
  socket.on("error", () => gateway.destroy());
  gateway.on("error", () => socket.destroy());
}).listen(api);

const gateway = spawn(
  process.execPath,
  ["tools/start.ts", "--port", `${port}`, "--persist-to", join(directory, "state")],
  {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certFile, TMPDIR: directory },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
gateway.once("exit", () => process.exit(1));
process.stdin.resume();
process.stdin.once("end", () => {
  gateway.kill("SIGTERM");
  setTimeout(() => process.exit(0), 10_000).unref();
});
