namespace Kgents.AppHost.Tests;

public sealed class AppHostTests
{
    [Fact(Skip = "Aspire is not in this package feed (.offline-feed); the AppHost's tests run where it is. See eng/offline/README.md.")]
    public void AppHost_IsTested_WhereTheFeedHasAspire()
    {
    }
}
