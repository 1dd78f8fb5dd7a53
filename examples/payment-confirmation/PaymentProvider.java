import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A payment provider that knows nothing of Millrace: plain Java and Kafka's own client. It writes one CloudEvent in
 * binary mode: the attributes are headers, the record's key is the correlation key, its value is ordinary JSON.
 *
 * <p>Usage: PaymentProvider.java invoice cents [confirmed|refused]
 */
public class PaymentProvider {
  public static void main(String[] args) throws Exception {
    if (args.length < 2 || args.length > 3) {
      System.err.println("Usage: pay.sh <invoice> <cents> [confirmed|refused]");
      System.exit(2);
    }
    String invoice = args[0];
    long cents = Long.parseLong(args[1]);
    String type = "payment." + (args.length == 3 ? args[2] : "confirmed");

    Properties settings = new Properties();
    settings.put("bootstrap.servers", setting("KAFKA_BROKERS", "127.0.0.1:9092"));
    settings.put("acks", "all");
    settings.put("compression.type", "zstd");
    String topic = setting("EVENTS_TOPIC", "millrace.events");

    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      String id = UUID.randomUUID().toString();
      ProducerRecord<String, String> event = new ProducerRecord<>(topic, invoice, "{\"cents\":" + cents + "}");
      header(event, "ce_specversion", "1.0");
      header(event, "ce_id", id);
      header(event, "ce_source", "payment-provider");
      header(event, "ce_type", type);
      header(event, "ce_time", Instant.now().toString());
      header(event, "content-type", "application/json");
      // Waits for the brokers: an event that was reported as sent is in the topic.
      producer.send(event).get();
      System.out.println("Sent " + type + " for " + invoice + " to " + topic + ".");
    }
  }

  private static void header(ProducerRecord<String, String> event, String name, String value) {
    event.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
  }

  private static String setting(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}
