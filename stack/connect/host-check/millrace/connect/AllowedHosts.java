/**
 * The names and addresses by which a worker's REST may be called, on any port: loopback, the name that the worker tells other
 * workers, and those of the setting `millrace.rest.hosts`, separated by commas and without ports.
 */
package millrace.connect;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.ConfigException;

public final class AllowedHosts {
  static final String PROPERTY = "millrace.rest.hosts";

  /** Workers call each other by it. */
  private static final String ADVERTISED = "rest.advertised.host.name";

  private static final String NAME = "\\[[0-9a-f:.]+]|[0-9a-z._-]+";
  private static final Pattern HOST = Pattern.compile("(" + NAME + ")(?::[0-9]{0,5})?");

  /** Addresses are compared whole: `127.0.0.1.attacker.example` is a name. */
  private static final Pattern LOOPBACK =
      Pattern.compile("localhost|\\[::1]|127(\\.(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}");

  private final Set<String> names;

  private AllowedHosts(Set<String> names) {
    this.names = names;
  }

  /**
   * @param worker the worker's whole configuration
   * @throws ConfigException for a name with a port, or that no `Host` can have: the worker does not start
   */
  public static AllowedHosts of(Map<String, ?> worker) {
    Set<String> names = new HashSet<>();
    if (worker.get(ADVERTISED) instanceof String advertised) names.add(lower(advertised));
    if (worker.get(PROPERTY) instanceof String list)
      for (String part : list.split(",")) {
        String name = lower(part);
        if (name.isEmpty()) continue;
        if (!name.matches(NAME))
          throw new ConfigException(PROPERTY, part.strip(), "Names or addresses without ports, separated by commas; IPv6 as [::1].");
        names.add(name);
      }
    return new AllowedHosts(Set.copyOf(names));
  }

  /** @param header the value of a `Host`, with or without a port */
  public boolean allow(String header) {
    Matcher host = HOST.matcher(lower(header));
    return host.matches() && (names.contains(host.group(1)) || LOOPBACK.matcher(host.group(1)).matches());
  }

  private static String lower(String name) {
    return name.strip().toLowerCase(Locale.ROOT);
  }
}
