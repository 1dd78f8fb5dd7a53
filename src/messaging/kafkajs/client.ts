/**
 * A kafkajs client with sockets of our own, so that all can be closed: after a broker's restart kafkajs may leak an open
 * connection, which keeps the process running.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import kafkajs, { type ISocketFactory, type Kafka, type KafkaConfig } from 'kafkajs';

export type KafkaClient = {
  readonly kafka: Kafka;
  /** Ends whatever connection is left. To be called after everything that was made with `kafka` is disconnected. */
  close(): void;
};

/** Makes a client for one consumer, producer or admin. */
export type OpenClient = () => KafkaClient;

const keepAliveMs = 60_000;

export function openClient(config: KafkaConfig): KafkaClient {
  const sockets = new Set<Socket>();
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    // TLS allows no address as the server name.
    const servername = isIP(host) === 0 ? { servername: host } : {};
    // kafkajs passes no options where TLS is off, whatever its type says.
    const useTls = Boolean(ssl);
    const socket = useTls ? connectTls({ host, port, ...servername, ...ssl }, onConnect) : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, keepAliveMs);
    // A request is one write, so delaying its last bytes (Nagle) gains nothing.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  return {
    kafka: new kafkajs.Kafka({ ...config, socketFactory }),
    close: () => {
      for (const socket of sockets) {
        // kafkajs listens for `end`, and then ends its timer and its requests.
        socket.emit('end');
        socket.destroy();
      }
    },
  };
}
