using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Backup;

/// <summary>A command of a program that was built with the tests, on a system's NATS.</summary>
internal static class OperatorCommand
{
    public static Task<Command> RunAsync(KgentsSystem system, string program, string user, params string[] arguments) => RunAsync(
        program, new Dictionary<string, string?> { ["ConnectionStrings__nats"] = system.NatsUsers.UrlOf(user, system.Nats.Port) }, arguments, TestContext.Current.CancellationToken);

    public static Task<Command> RunAsync(string program, IReadOnlyDictionary<string, string?> environment, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        DirectoryInfo own = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var assembly = Path.Combine(own.Parent!.Parent!.FullName, program, own.Name, $"{program}.dll");
        return Command.RunAsync("dotnet", [assembly, .. arguments], environment: environment, cancellationToken: cancellationToken);
    }

    public static Task<Command> OperateAsync(KgentsSystem system, params string[] arguments) => RunAsync(system, "Kgents.Operations", NatsUsers.Operator, arguments);
}
