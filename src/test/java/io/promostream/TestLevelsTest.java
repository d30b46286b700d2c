package io.promostream;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.promostream.local.EmbeddedDatabase;
import io.promostream.testing.TestBroker;
import io.promostream.testing.TestDatabase;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.junit.jupiter.api.Test;

/** Keeps servers and processes out of the unit tests, which must stay fast. */
class TestLevelsTest {

  @Test
  void unitTestsStartNoServerAndNoProcess() {
    noClasses()
        .that()
        .haveNameMatching(".*Test(\\$.*)?")
        .and()
        .doNotBelongToAnyOf(TestLevelsTest.class)
        .should()
        .dependOnClassesThat()
        .belongToAnyOf(
            ProcessBuilder.class,
            TestBroker.class,
            TestDatabase.class,
            EmbeddedDatabase.class,
            TestJob.class,
            MiniCluster.class)
        .because("tests that need them are named *IT")
        .check(
            new ClassFileImporter()
                .importUrl(getClass().getProtectionDomain().getCodeSource().getLocation()));
  }
}
