/** Asks the host check of Connect without a Connect: `java AskAllowedHosts.java <setting=value>… -- <Host>…` prints those that it lets pass. */
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import millrace.connect.AllowedHosts;

public class AskAllowedHosts {
  public static void main(String[] given) {
    List<String> args = Arrays.asList(given);
    int end = args.indexOf("--");
    Map<String, String> worker = new HashMap<>();
    for (String setting : args.subList(0, end)) worker.put(setting.split("=", 2)[0], setting.split("=", 2)[1]);
    AllowedHosts hosts = AllowedHosts.of(worker);
    args.subList(end + 1, args.size()).stream().filter(hosts::allow).forEach(System.out::println);
  }
}
