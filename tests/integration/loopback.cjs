// Loaded by `node --require` ahead of the gateway, which has no option for either of these:
// - every TCP listener is put on 127.0.0.1 (the gateway would listen on all interfaces);
// - the process ends when its standard input closes, so that a killed test run leaves no gateway behind.
'use strict';
const { Server } = require('node:net');

const HOST = '127.0.0.1';
const original = Server.prototype.listen;

function pinned(args) {
  const [target, ...rest] = args;
  if (target !== null && typeof target === 'object') {
    return 'port' in target ? [{ ...target, host: HOST }, ...rest] : args; // a handle or a descriptor stays as it is
  }
  if (typeof target === 'string' && !/^\d+$/.test(target)) return args; // the path of a Unix socket
  const options = { port: typeof target === 'function' ? 0 : Number(target ?? 0), host: HOST };
  const backlog = rest.find((value) => typeof value === 'number');
  if (backlog !== undefined) options.backlog = backlog;
  const callback = args.find((value) => typeof value === 'function');
  return callback ? [options, callback] : [options];
}

Server.prototype.listen = function listen(...args) {
  return original.apply(this, pinned(args));
};

process.stdin.on('end', () => process.exit(0)).resume();
