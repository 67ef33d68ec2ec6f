using System.Globalization;
using Kgents.Operations.Backup;
using Kgents.Operations.Streams;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Operations;

/// <summary>What an operator does to streams and buckets as a whole.</summary>
internal static class OperatorCommands
{
    private const string Usage = """
        usage: streams show         how the streams that are there differ from the settings, and what `apply` would do
               streams apply        change what can be changed without losing anything; nothing at all when something cannot
               backup DIRECTORY     every stream and bucket, with their messages, into a directory that is not there yet
                 [--keep NUMBER]    and then remove the oldest whole backups beside it, but for so many, itself among them
               backups DIRECTORY    which backups there are in a directory, and whether they are whole; NATS is not needed
               restore DIRECTORY    all of a backup into a server that has none of its streams; the services must be stopped
        The settings are those of the services (Nats:Replicas, …), from the environment. The user must be the operator's.

        """;

    /// <summary>0 when it was done, or help was asked for; 1 when it was refused or failed, 2 when the command is not understood.</summary>
    public static async Task<int> RunAsync(string[] args, IHost host, TextWriter output, CancellationToken cancellationToken)
    {
        if (args.Any(argument => argument is "--help" or "-h"))
        {
            await output.WriteAsync(Usage);
            return 0;
        }

        var services = host.Services;
        Func<INatsJSContext, CancellationToken, Task<bool>>? command = args switch
        {
            ["streams", "show" or "apply"] => (jetStream, stopping) => new StreamMigration(jetStream, services.Options<NatsTopologyOptions>(), output).RunAsync(args[1] == "apply", stopping),
            ["backup", var directory] => (jetStream, stopping) => new StreamBackup(jetStream, services.GetRequiredService<TimeProvider>(), output).RunAsync(FullPath(directory), stopping),
            ["backup", var directory, "--keep", var number] when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var keep) && keep > 0 =>
                (jetStream, stopping) => BackUpAsync(jetStream, FullPath(directory), keep, stopping),
            ["restore", var directory] => (jetStream, stopping) => new StreamRestore(jetStream, services.Options<NatsTopologyOptions>(), output).RunAsync(directory, stopping),
            _ => null,
        };
        async Task<bool> BackUpAsync(INatsJSContext jetStream, string directory, int keep, CancellationToken stopping)
        {
            var time = services.GetRequiredService<TimeProvider>();
            var retention = new BackupRetention(time, output);
            await retention.RemoveRestsAsync(Path.GetDirectoryName(directory)!, stopping);
            var isWhole = await new StreamBackup(jetStream, time, output).RunAsync(directory, stopping);
            if (isWhole)
            {
                await retention.RemoveOldAsync(directory, keep, stopping);
            }

            return isWhole;
        }

        if (command is null && args is not ["backups", _])
        {
            await output.WriteAsync(Usage);
            return 2;
        }

        try
        {
            if (command is null)
            {
                return await new BackupList(output).RunAsync(args[1], cancellationToken) ? 0 : 1;
            }

            // Validates the settings, and refuses a server that is too old.
            return await NatsCommand.RunAsync(
                host, output, NatsCommand.Patience, async stopping => await command(services.GetRequiredService<INatsJSContext>(), stopping) ? 0 : 1, cancellationToken);
        }
        catch (Exception exception) when (exception is OperationRefusedException or NatsException or IOException or UnauthorizedAccessException)
        {
            await output.WriteLineAsync(exception.Message);
            return 1;
        }
    }

    private static string FullPath(string directory) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));

    private static T Options<T>(this IServiceProvider services)
        where T : class => services.GetRequiredService<IOptions<T>>().Value;
}
